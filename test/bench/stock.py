#!/usr/bin/python3
"""stock.py export CLOUD FOLDER | import CLOUD FOLDER: the cloud's own steps of an export or import with the stock client
(openstacksdk), in parallel where ours are; prints the seconds. What it makes on the cloud it removes.

export: an image of every image-backed server, an image of every volume (by snapshot and temporary volume), all of them
and the project's own images downloaded into FOLDER.
import: the files of FOLDER sent as images, a volume made of each volume's, a server of each server's on a network of
their own, waited for until all are there."""
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import openstack

what, cloud, folder = sys.argv[1:4]
os.makedirs(folder, exist_ok=True)
conn = openstack.connect(cloud=cloud)
compute, volumes, images, network = conn.compute, conn.block_storage, conn.image, conn.network
undo = []
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


def send(name):
    with open(os.path.join(folder, name), 'rb') as data:
        image = images.create_image(name=f'stock-{name}', disk_format='qcow2', container_format='bare', data=data, validate_checksum=False)
    undo.append(lambda: images.delete_image(image))
    return active(image.id)


def make_volume(name):
    volume = volumes.create_volume(size=1, image_id=send(name), name='stock')
    volumes.wait_for_status(volume, 'available', ['error'], 0.5, 600)
    undo.append(lambda: (volumes.delete_volume(volume), volumes.wait_for_delete(volume, 1, 300)))


def make_server(name, net, flavor):
    server = compute.create_server(name=f'stock-{name}', flavor_id=flavor.id, image_id=send(name), networks=[{'uuid': net.id}])
    undo.append(lambda: (compute.delete_server(server), compute.wait_for_delete(server, 1, 300)))
    compute.wait_for_server(server, interval=0.5, wait=900)


with ThreadPoolExecutor(4) as pool:
    if what == 'export':
        tasks = [pool.submit(take_server, s) for s in compute.servers() if s.image and s.image.id]
        tasks += [pool.submit(take_volume, v) for v in volumes.volumes()]
        tasks += [pool.submit(download, i.id, f'image-{i.name}') for i in images.images(owner=conn.current_project_id)]
    else:
        net = network.create_network(name='stock')
        undo.append(lambda: network.delete_network(net))
        network.create_subnet(network_id=net.id, ip_version=4, cidr='10.55.0.0/24')
        flavor = min(compute.flavors(), key=lambda f: f.ram)
        names = sorted(os.listdir(folder))
        tasks = [pool.submit(make_volume, n) for n in names if n.startswith('volume-')]
        tasks += [pool.submit(send, n) for n in names if n.startswith('image-')]
        tasks += [pool.submit(make_server, n, net, flavor) for n in names if n.startswith('server-')]
    for task in tasks:
        task.result()
print(f'{time.time() - t0:.1f}')
for step in reversed(undo):
    step()
