import { createHash, generateKeyPairSync } from 'node:crypto';
import type { Body, Reply, Request } from '../http.ts';
import { denied, invalid, onlyKnown, refuse, type Microversion } from '../versions.ts';
import type { Keypair, World } from '../world.ts';

export async function importKey(world: World, request: Request, { minor }: Microversion): Promise<Reply> {
  const body: Body = (await request.json())?.keypair;
  if (!body || typeof body !== 'object') throw invalid('body', body, "'keypair' is a required property");
  onlyKnown('keypair', body, ['name', 'public_key', ...(minor >= 2 ? ['type'] : []), ...(minor >= 10 ? ['user_id'] : [])]);
  if (typeof body.name !== 'string') throw invalid('keypair', body, "'name' is a required property");
  if (minor >= 92 && body.public_key === undefined) throw invalid('keypair', body, "'public_key' is a required property");
  if (body.user_id !== undefined && body.user_id !== world.userId) throw denied('os_compute_api:os-keypairs:create');
  const good = minor >= 92 ? /^[@._\- 0-9A-Za-z]+$/ : /^[_\- 0-9A-Za-z]+$/;
  if (!good.test(body.name)) throw refuse(400, `An invalid 'name' value was provided. The name must be: Only expected characters: [${minor >= 92 ? '@.' : ''}_- 0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ]`);
  if (world.keypairs.has(body.name)) throw refuse(409, `Key pair '${body.name}' already exists.`);
  if (world.keypairs.size >= world.settings.quotas.compute['key_pairs']!) throw refuse(403, 'Quota exceeded, too many key pairs.');
  let privateKey: string | undefined;
  let publicKey: string | undefined = body.public_key;
  if (publicKey === undefined) {
    const pair = generateKeyPairSync('rsa', { modulusLength: 2048, publicKeyEncoding: { type: 'pkcs1', format: 'der' }, privateKeyEncoding: { type: 'pkcs1', format: 'pem' } });
    privateKey = pair.privateKey;
    publicKey = `ssh-rsa ${pair.publicKey.toString('base64')} Generated-by-Nova`;
  }
  const keypair: Keypair = { name: body.name, public_key: publicKey, fingerprint: fingerprint(publicKey), type: body.type ?? 'ssh', created_at: new Date().toISOString().replace(/\.\d+Z$/, '.000000'), number: ++world.counter };
  world.keypairs.set(keypair.name, keypair);
  const shown = { name: keypair.name, public_key: keypair.public_key, fingerprint: keypair.fingerprint, user_id: world.userId };
  return { status: minor >= 2 ? 201 : 200, body: { keypair: { ...(minor >= 2 ? { type: keypair.type } : {}), ...(privateKey === undefined ? {} : { private_key: privateKey }), ...shown } } };
}

export function fingerprint(publicKey: string): string {
  const [type = '', data = ''] = publicKey.trim().split(/\s+/);
  if (!/^(ssh|ecdsa|sk)-/.test(type) || data.length < 32) throw refuse(400, 'Keypair data is invalid: failed to generate fingerprint');
  return createHash('md5').update(Buffer.from(data, 'base64')).digest('hex').replace(/..(?=.)/g, '$&:');
}

export function showKey(world: World, keypair: Keypair, { minor }: Microversion, alone: boolean): object {
  const { name, public_key, fingerprint: print, type } = keypair;
  return {
    name,
    public_key,
    fingerprint: print,
    ...(alone ? { user_id: world.userId, created_at: keypair.created_at, deleted: false, deleted_at: null, id: keypair.number, updated_at: null } : {}),
    ...(minor >= 2 ? { type } : {}),
  };
}
