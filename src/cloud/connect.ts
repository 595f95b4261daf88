import { BaluchonError } from '../errors.ts';
import { type Emit, silent } from '../events.ts';
import { authenticate, authTypeOf } from './auth.ts';
import { checkRegion, endpointUrl, noEndpoint, regionsOf } from './catalog.ts';
import type { Cloud, Service, ServiceType } from './cloud.ts';
import { type CloudConfig, readConfig } from './config.ts';
import { discover } from './discovery.ts';
import { createHttp, tlsOf } from './http.ts';
import { readOpenrc } from './openrc.ts';
import type { Patience } from './retry.ts';
import { createService } from './service.ts';
import { openSession } from './session.ts';

export interface CloudOptions {
  /** An entry of clouds.yaml, or `envvars`. */
  cloud?: string;
  /** The path of an openrc file, instead of a cloud's name. */
  openrc?: string;
  /** Default: the process's. */
  env?: NodeJS.ProcessEnv;
  /** Where clouds.yaml is looked for first. Default: the process's. */
  cwd?: string;
  /** Asks the user for the password where none is configured. */
  password?: () => Promise<string>;
  emit?: Emit;
  /** Gives up logging in. Calls have signals of their own, for cleaning up has to work after a Ctrl-C. */
  signal?: AbortSignal;
  /** Overrides how stubborn calls are. */
  patience?: Partial<Patience>;
}

/**
 * Logs in to one project of one cloud. Throws `usage` (configuration), `auth`, `network`, `cloud`: one clear line each,
 * with a hint.
 */
export async function connect(options: CloudOptions = {}): Promise<Cloud> {
  const env = options.env ?? process.env;
  const emit = options.emit ?? silent;
  const config = await credentials(options, env);
  const http = createHttp({ ...pick(config), env, emit, ...(options.patience && { patience: options.patience }) });
  try {
    // At first an address that does not answer is more often wrong than down; later it is the other way round.
    const first = await authenticate({ ...http, send: (call) => http.send({ tries: 3, ...call }) }, config, options.signal);
    checkRegion(first.catalog, config.region, config.name);
    const regions = regionsOf(first.catalog);
    const region = config.region ?? regions[0];
    if (config.region === undefined && regions.length > 1) {
      emit({ type: 'warning', message: `cloud "${config.name}" has the regions ${regions.join(', ')} and none is chosen: taking ${region}`, about: config.name });
    }
    const session = openSession(first, () => authenticate(http, config));
    const choice = { region, interfaces: config.interfaces };
    const override = (type: ServiceType) => config.settings[`${type.replace('-', '_')}_endpoint_override`] ?? (type === 'volume' ? config.settings['block_storage_endpoint_override'] ?? config.settings['volumev3_endpoint_override'] : undefined);
    const urlOf = (type: ServiceType) => override(type) ?? endpointUrl(first.catalog, type, choice);
    const project = { id: first.project!.id, name: first.project!.name };
    const services = new Map<ServiceType, Promise<Service>>();

    const start = async (type: ServiceType): Promise<Service> => {
      const url = urlOf(type);
      if (url === undefined) throw noEndpoint(first.catalog, type, choice, config.name);
      const root = await discover(http, type, url, { projectId: project.id, token: () => session.token(), emit });
      emit({ type: 'debug', message: `${type} is at ${root.url}${root.microversion ? `, microversion ${root.microversion}` : ''}` });
      return createService(type, root, session, http);
    };
    return {
      name: config.name,
      region,
      project,
      user: first.user,
      has: (type) => urlOf(type) !== undefined,
      service: (type) => {
        let service = services.get(type);
        if (!service) {
          service = start(type);
          services.set(type, service);
          service.catch(() => services.delete(type));
        }
        return service;
      },
      token: (refused) => (refused === undefined ? session.token() : session.renewed(refused)),
      tls: tlsOf(pick(config)),
      close: () => http.close(),
    };
  } catch (error) {
    await http.close();
    throw error;
  }
}

async function credentials(options: CloudOptions, env: NodeJS.ProcessEnv): Promise<CloudConfig> {
  if (options.openrc && options.cloud) throw new BaluchonError('usage', 'both a cloud and an openrc file are named', { hint: 'give one of the two' });
  const config = options.openrc ? readOpenrc(options.openrc, env) : readConfig({ env, cwd: options.cwd ?? process.cwd(), ...(options.cloud && { cloud: options.cloud }) });
  const type = authTypeOf(config);
  const asks = type === 'password' || type === 'v3password' || type === 'v3oidcpassword' || config.methods.some((method) => method.endsWith('password'));
  if (asks && !config.auth['password'] && options.password) config.auth['password'] = await options.password();
  return config;
}

function pick({ cacert, cert, key, verify }: CloudConfig) {
  return { verify, ...(cacert && { cacert }), ...(cert && { cert }), ...(key && { key }) };
}
