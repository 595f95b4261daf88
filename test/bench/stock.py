#!/usr/bin/python3
"""stock.py export CLOUD FOLDER | import CLOUD FOLDER: the cloud's own steps of an export or import with the stock client
(openstacksdk), in parallel where ours are; prints the seconds. What it makes on the cloud it removes.

export: an image of every image-backed server, an image of every volume (by snapshot and temporary volume), all of them
and the project's own images downloaded into FOLDER.
import: the files of FOLDER sent as images, three at once, volumes made of the volumes', network, subnet, router and ports with
the addresses that they had, servers of the servers' images and of the volumes, with their data volumes and a floating
address, each as soon as what it needs is there; waited for until all run, and the servers' images removed."""
import json
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import openstack

what, cloud, folder = sys.argv[1:4]
os.makedirs(folder, exist_ok=True)
conn = openstack.connect(cloud=cloud)
compute, volumes, images, network = conn.compute, conn.block_storage, conn.image, conn.network
undo = []
sending = threading.Semaphore(3)
t0 = time.time()


def active(image):
    while images.get_image(image).status != 'active':
        time.sleep(0.5)
    return image


def download(image, name):
    images.download_image(image, stream=True, output=os.path.join(folder, name))


def take_server(server):
    image = compute.create_server_image(server.id, f'stock-{server.name}', wait=False)
    image = image if isinstance(image, str) else image.id
    download(active(image), f'server-{server.name}')
    images.delete_image(image)


def take_volume(volume):
    snapshot = volumes.create_snapshot(volume_id=volume.id, name='stock', is_forced=True)
    volumes.wait_for_status(snapshot, 'available', ['error'], 0.5, 300)
    copy = volumes.create_volume(snapshot_id=snapshot.id, size=volume.size, name='stock')
    volumes.wait_for_status(copy, 'available', ['error'], 0.5, 300)
    answer = volumes.post(f'/volumes/{copy.id}/action', microversion='3.1', json={'os-volume_upload_image': {
        'image_name': 'stock', 'disk_format': 'qcow2', 'container_format': 'bare'}}).json()
    image = answer['os-volume_upload_image']['image_id']
    download(active(image), f'volume-{volume.name}')
    images.delete_image(image)
    volumes.delete_volume(copy)
    volumes.wait_for_delete(copy, 0.5, 300)
    volumes.delete_snapshot(snapshot)
    volumes.wait_for_delete(snapshot, 0.5, 300)


def topology():
    names = {volume.id: volume.name for volume in volumes.volumes()}
    servers = []
    for server in compute.servers():
        attached = [a.id for a in server.attached_volumes]
        addresses = [a for each in server.addresses.values() for a in each]
        servers.append({
            'name': server.name,
            'boot': None if server.image and server.image.id else names[attached[0]],
            'data': [names[id] for id in (attached if server.image and server.image.id else attached[1:])],
            'fixed': [a['addr'] for a in addresses if a['OS-EXT-IPS:type'] == 'fixed'],
            'floating': any(a['OS-EXT-IPS:type'] == 'floating' for a in addresses),
        })
    with open(os.path.join(folder, 'servers.json'), 'w') as out:
        json.dump({'cidr': next(network.subnets(project_id=conn.current_project_id)).cidr, 'servers': servers}, out)


def send(name):
    with sending, open(os.path.join(folder, name), 'rb') as data:
        image = images.create_image(name=f'stock-{name}', disk_format='qcow2', container_format='bare', data=data, validate_checksum=False)
    return active(image.id)


def make_image(name):
    image = send(name)
    undo.append(lambda: images.delete_image(image))


def make_volume(name):
    image = send(name)
    volume = volumes.create_volume(size=1, image_id=image, name='stock')
    undo.append(lambda: (volumes.delete_volume(volume), volumes.wait_for_delete(volume, 1, 300)))
    volumes.wait_for_status(volume, 'available', ['error'], 0.5, 600)
    images.delete_image(image)
    return volume


def make_router(subnet, outside):
    router = network.create_router(name='stock', external_gateway_info={'network_id': outside.id})
    undo.append(lambda: network.delete_router(router))
    network.add_interface_to_router(router, subnet_id=subnet.id)
    undo.append(lambda: network.remove_interface_from_router(router, subnet_id=subnet.id))


def make_port(net, subnet, about):
    port = network.create_port(network_id=net.id, fixed_ips=[{'subnet_id': subnet.id, 'ip_address': about['fixed'][0]}])
    undo.append(lambda: network.delete_port(port))
    return port


def make_server(about, flavor, outside, router, port, made):
    disks = [made[name] for name in about['data']]
    image = None if about['boot'] else send(f"server-{about['name']}")
    mapping = [{'uuid': image, 'source_type': 'image', 'destination_type': 'local', 'boot_index': 0, 'delete_on_termination': True} if image
               else {'uuid': made[about['boot']].result().id, 'source_type': 'volume', 'destination_type': 'volume', 'boot_index': 0}]
    mapping += [{'uuid': disk.result().id, 'source_type': 'volume', 'destination_type': 'volume', 'boot_index': -1} for disk in disks]
    router.result()
    port = port.result()
    if about['floating']:
        address = network.create_ip(floating_network_id=outside.id, port_id=port.id)
        undo.append(lambda: network.delete_ip(address))
    image_id = {'image_id': image} if image else {}
    server = compute.create_server(name=f"stock-{about['name']}", flavor_id=flavor.id, networks=[{'port': port.id}], block_device_mapping=mapping, **image_id)
    undo.append(lambda: (compute.delete_server(server), compute.wait_for_delete(server, 1, 300)))
    compute.wait_for_server(server, interval=0.5, wait=900)
    if image:
        images.delete_image(image)


with ThreadPoolExecutor(4 if what == 'export' else 24) as pool:
    if what == 'export':
        topology()
        tasks = [pool.submit(take_server, s) for s in compute.servers() if s.image and s.image.id]
        tasks += [pool.submit(take_volume, v) for v in volumes.volumes()]
        tasks += [pool.submit(download, i.id, f'image-{i.name}') for i in images.images(owner=conn.current_project_id)]
    else:
        with open(os.path.join(folder, 'servers.json')) as text:
            tenant = json.load(text)
        names = sorted(os.listdir(folder))
        net = network.create_network(name='stock')
        undo.append(lambda: network.delete_network(net))
        flavor = min(compute.flavors(), key=lambda f: f.ram)
        subnet = network.create_subnet(network_id=net.id, ip_version=4, cidr=tenant['cidr'])
        outside = next(network.networks(is_router_external=True))
        router = pool.submit(make_router, subnet, outside)
        made = {n.removeprefix('volume-'): pool.submit(make_volume, n) for n in names if n.startswith('volume-')}
        tasks = [*made.values(), *(pool.submit(make_image, n) for n in names if n.startswith('image-'))]
        for about in tenant['servers']:
            port = pool.submit(make_port, net, subnet, about)
            tasks.append(pool.submit(make_server, about, flavor, outside, router, port, made))
    for task in tasks:
        task.result()
print(f'{time.time() - t0:.1f}')
for step in reversed(undo):
    step()
