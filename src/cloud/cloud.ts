export type ServiceType = 'identity' | 'compute' | 'network' | 'volume' | 'image' | 'object-store';

/** As node:tls takes it, in PEM. */
export interface Tls {
  ca: string | string[];
  cert?: string;
  key?: string;
  rejectUnauthorized: boolean;
}

/** A session with one project on one cloud, as an ordinary user. */
export interface Cloud {
  /** As the user named it (`--os-cloud`), `envvars`, or the openrc file's name. */
  readonly name: string;
  readonly region: string | undefined;
  readonly project: { id: string; name: string };
  readonly user: { id: string; name: string };
  /** The service's API; throws `cloud` where the catalog has none (use `has` to ask). */
  service(type: ServiceType): Promise<Service>;
  has(type: ServiceType): boolean;
  /** A valid token, renewed when needed (for pkgcloud's identity option); the one after `refused`, where a service refused it. */
  token(refused?: string): Promise<string>;
  /** The certificates of its configuration, for those who make connections of their own. */
  readonly tls?: Tls;
  /** Ends pooled connections. */
  close(): Promise<void>;
}

export interface RequestOptions {
  query?: Record<string, string | number | boolean | undefined>;
  headers?: Record<string, string>;
  /** Overrides the negotiated microversion for this call: `'2.1'`. */
  microversion?: string;
  signal?: AbortSignal;
  /** Whether the call may be repeated after a lost connection or a 5xx. Default: true for GET, HEAD, PUT and DELETE, false for POST and PATCH. */
  repeatable?: boolean;
}

export interface Answer<T> {
  status: number;
  headers: Record<string, string>;
  body: T;
}

/**
 * One service's API at its discovered, versioned root. Paths begin with `/`, below that root.
 * Every call throws a BaluchonError (`auth`, `forbidden`, `not-found`, `conflict`, `quota`, `cloud`, `network`,
 * `interrupted`) whose message carries the service's own words; a 401 is answered once by a new token;
 * what is tried again, and waited for, is documented in http.ts. A busy 409 is the caller's: it knows what it waits for.
 */
export interface Service {
  readonly type: ServiceType;
  readonly url: string;
  /** What both sides know: the highest of the cloud's and ours; undefined where the service has no microversions. */
  readonly microversion: string | undefined;
  /** True when the negotiated microversion is at least this one: `at('2.37')`. */
  at(microversion: string): boolean;
  get<T = any>(path: string, options?: RequestOptions): Promise<T>;
  /** All pages of a list, following `links`/`<key>_links`/`next`/marker as the service does it. `key` is the list's name in the body: `servers`. */
  list<T = any>(path: string, key: string, options?: RequestOptions): AsyncIterable<T>;
  post<T = any>(path: string, body?: unknown, options?: RequestOptions): Promise<Answer<T>>;
  put<T = any>(path: string, body?: unknown, options?: RequestOptions): Promise<Answer<T>>;
  patch<T = any>(path: string, body: unknown, options?: RequestOptions): Promise<Answer<T>>;
  delete(path: string, options?: RequestOptions): Promise<void>;
  /** A body as it comes, with back-pressure, its parts the reader's own; goes on with Range after a lost connection where the service supports it. */
  download(path: string, options?: RequestOptions): Promise<{ size: number | undefined; headers: Record<string, string>; body: AsyncIterable<Uint8Array> }>;
  /** Sends a body of `size` bytes with back-pressure (PUT). Not repeated: the caller decides. */
  upload(path: string, body: AsyncIterable<Uint8Array>, size: number | undefined, options?: RequestOptions): Promise<void>;
}
