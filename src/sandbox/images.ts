import { createHash } from 'node:crypto';
import { BLOCK, Bytes } from './disk/bytes.ts';
import { writeQcow2 } from './disk/qcow2.ts';
import { newImage, store } from './glance/images.ts';
import type { World } from './world.ts';

/** Bytes that look like data, the same for the same name: SHA-512 in counter mode would do, a small generator is faster. */
export function noise(name: string, length: number): Buffer {
  const seed = createHash('sha256').update(name).digest();
  let a = seed.readUInt32LE(0);
  let b = seed.readUInt32LE(4) | 1;
  const words = new Uint32Array(Math.ceil(length / 4));
  for (let at = 0; at < words.length; at += 1) {
    a = (a + b) >>> 0;
    b ^= b << 13;
    b ^= b >>> 17;
    b ^= b << 5;
    words[at] = Math.imul(a ^ b, 0x9e37_79b1);
  }
  return Buffer.from(words.buffer, 0, length);
}

/** Text, so that something compresses. */
export function prose(name: string, length: number): Buffer {
  const line = `# ${name}: a line of a file on a simulated disk\n`;
  return Buffer.alloc(length, line);
}

/** A small system disk: boot code, a kernel's worth of noise, some text, and much nothing. */
export function systemDisk(name: string, size: number): Bytes {
  const disk = new Bytes(size);
  const boot = Buffer.alloc(512);
  boot.writeUInt16LE(0xaa55, 510);
  disk.write(0, boot);
  disk.write(16 * BLOCK, noise(`${name} kernel`, 24 * BLOCK));
  disk.write(64 * BLOCK, prose(`${name} /etc`, 12 * BLOCK + 1234));
  disk.write(Math.floor(size / 2), noise(`${name} /usr`, 6 * BLOCK + 77));
  return disk;
}

export async function publicImage(world: World): Promise<void> {
  const { name, properties } = world.settings.publicImage;
  const image = newImage(
    world,
    { name, disk_format: 'qcow2', container_format: 'bare', visibility: 'public', min_disk: 1, min_ram: 64, owner: world.providerId },
    { ...properties, 'owner_specified.openstack.md5': '', 'owner_specified.openstack.sha256': '', 'owner_specified.openstack.object': `images/${name}` },
  );
  await store(image, writeQcow2(systemDisk('tinyweb', 192 * 2 ** 20)));
}
