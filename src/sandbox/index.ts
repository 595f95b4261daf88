import { accepted, keystone } from './keystone.ts';
import { cinder } from './cinder/index.ts';
import { startClock } from './clock.ts';
import { Bytes } from './disk/bytes.ts';
import { makeFaults, type Faults } from './faults.ts';
import { glance } from './glance/index.ts';
import { listen } from './http.ts';
import { neutron } from './neutron/index.ts';
import { makeNetwork, makeSubnet } from './neutron/networks.ts';
import { nova } from './nova/index.ts';
import { settings, type SandboxOptions } from './options.ts';
import { publicImage } from './images.ts';
import { swift } from './swift.ts';
import { makeWorld, type World } from './world.ts';

export type { SandboxOptions } from './options.ts';
export type { Fault, Faults } from './faults.ts';
export type { World } from './world.ts';
export { Bytes } from './disk/bytes.ts';
export { readQcow2, writeQcow2 } from './disk/qcow2.ts';
export { seedMiop, seedTalk } from './tenant.ts';

/**
 * A simulated OpenStack in this process: Keystone v3, Nova 2.1 to 2.93, Neutron v2.0, Cinder 3.0 to 3.70, Glance v2.15
 * and a little Swift, on loopback, with one ordinary user in one project. It answers as the real services do: shapes,
 * policies, microversions, states that take time, and refusals in their own words.
 */
export interface Sandbox {
  readonly name: string;
  readonly authUrl: string;
  readonly region: string;
  readonly username: string;
  readonly password: string;
  readonly projectName: string;
  /** What a clouds.yaml would hold under `clouds`. */
  clouds(): Record<string, object>;
  /** The `OS_*` variables. */
  env(): Record<string, string>;
  /** All it knows, to look into and to change behind the services' backs. */
  readonly state: World;
  readonly faults: Faults;
  /** Bytes of a volume, or of an image-backed server's root disk. */
  disk(id: string): Bytes;
  /** Overwrites bytes of a volume or of a server's root disk, as the guest would. */
  write(id: string, offset: number, data: Uint8Array): void;
  /** Names of the images, volumes and snapshots whose names begin so: what a tool should have removed. */
  leftovers(prefix: string): string[];
  /** From now on every token handed out so far is refused. */
  expireTokens(): void;
  /** Resolves when no state is changing any more. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const set = settings(options);
  const clock = startClock();
  const world = makeWorld(set, clock);
  const faults = makeFaults();
  const listening = await listen(
    (roots) => {
      world.roots = roots;
      world.authUrl = `${roots.identity}/v3`;
      return { identity: keystone(world), compute: nova(world), volume: cinder(world), image: glance(world), network: neutron(world), 'object-store': swift(world) };
    },
    set.layout,
    faults,
  );
  const external = makeNetwork(world, { name: set.externalNetwork.name, 'router:external': true }, world.providerId);
  external['availability_zones'] = set.zones.network;
  makeSubnet(world, { network_id: external['id'], ip_version: 4, cidr: set.externalNetwork.cidr, enable_dhcp: false }, world.providerId);
  await publicImage(world);

  const { name, region, username, password, projectName } = set;
  const disk = (id: string): Bytes => {
    const bytes = world.volumes.get(id)?.data ?? world.servers.get(id)?.root;
    if (!bytes) throw new RangeError(`no volume or image-backed server ${id}`);
    return bytes;
  };
  return {
    name,
    authUrl: world.authUrl,
    region,
    username,
    password,
    projectName,
    clouds: () => ({ [name]: { auth: { auth_url: world.authUrl, username, password, project_name: projectName, user_domain_name: 'Default', project_domain_name: 'Default' }, region_name: region, identity_api_version: 3 } }),
    env: () => ({ OS_AUTH_URL: world.authUrl, OS_USERNAME: username, OS_PASSWORD: password, OS_PROJECT_NAME: projectName, OS_USER_DOMAIN_NAME: 'Default', OS_PROJECT_DOMAIN_NAME: 'Default', OS_REGION_NAME: region, OS_IDENTITY_API_VERSION: '3' }),
    state: world,
    faults,
    disk,
    write: (id, offset, data) => disk(id).write(offset, data),
    leftovers: (prefix) =>
      [...[...world.images.values()].map((one) => `image ${one.name}`), ...[...world.volumes.values()].map((one) => `volume ${one.name}`), ...[...world.snapshots.values()].map((one) => `snapshot ${one.name}`)].filter((text) => text.slice(text.indexOf(' ') + 1).startsWith(prefix)),
    expireTokens() {
      for (const [id] of world.tokens) if (accepted(world, id)) world.tokens.get(id)!.expires = 0;
    },
    idle: () => clock.idle(),
    async close() {
      clock.stop();
      await listening.close();
    },
  };
}
