import { BaluchonError, type ErrorCode } from '../errors.ts';

/** An answer whose body has been read. `headers` are lower case; several of one name are joined by `, `. */
export interface Reply {
  status: number;
  headers: Record<string, string>;
  text: string;
}

const overQuota = /over.?quota|over.?limit|quota.*exceed|exceed.*(quota|limit)|maximum number of .* exceeded|limit.*exceeded/i;
const policy = /policy|disallowed/i;

/**
 * The service's own words in an error body, on one line: Nova's `{"itemNotFound": {"message"}}`, Neutron's
 * `{"NeutronError": {...}}`, Keystone's and Cinder's `{"error": {...}}`, OIDC's `error_description`, Placement's `errors`,
 * Pecan's `faultstring`, webob's HTML or plain text (Glance, Swift), a proxy's HTML page.
 */
export function wordsOf(text: string): string {
  let words: string | undefined;
  try {
    words = inJson(JSON.parse(text));
  } catch {
    words = inText(text);
  }
  // Glance puts HTML into JSON as well.
  const line = (words ?? '').replace(/<br *\/?>/g, ' ').replace(/\s+/g, ' ').trim().replace(/\.$/, '');
  return line.length > 400 ? `${line.slice(0, 400)}...` : line;
}

function inJson(body: any): string | undefined {
  if (typeof body === 'string') return body;
  if (body === null || typeof body !== 'object') return undefined;
  for (const key of ['error_description', 'faultstring', 'message', 'detail', 'title']) {
    if (typeof body[key] === 'string' && body[key] !== '') return body[key];
  }
  if (Array.isArray(body.errors)) return body.errors.map(inJson).filter(Boolean).join('; ') || undefined;
  for (const value of Object.values(body)) {
    const found = typeof value === 'string' || (value !== null && typeof value === 'object') ? inJson(value) : undefined;
    if (found) return found;
  }
  return undefined;
}

function inText(text: string): string {
  if (!/<\/?[a-z][^>]*>/i.test(text)) return text.replace(/^\d{3} [^\n]*\n+(?=\s*\S)/, '');
  const body = plain(text.replace(/<(head|style|script|h1)\b[\s\S]*?<\/\1>/gi, ' ').replace(/<!doctype[^>]*>/gi, ' '));
  return body || plain(/<(title|h1)\b[^>]*>([\s\S]*?)<\/\1>/i.exec(text)?.[2] ?? '');
}

function plain(html: string): string {
  const text = html.replace(/<[^>]*>/g, ' ').replace(/&lt;/g, '<').replace(/&gt;/g, '>');
  return text.replace(/&quot;|&#34;/g, '"').replace(/&#39;|&#x27;/g, "'").replace(/&amp;/g, '&').trim();
}

/** What an HTTP error is to us. 403, 409 and 413 are `quota` where the words say so. */
export function codeOf(status: number, text: string): ErrorCode {
  if (status === 413) return 'quota';
  if ((status === 403 || status === 409 || status === 400 || status === 429) && overQuota.test(text) && !policy.test(text)) return 'quota';
  if (status === 401) return 'auth';
  if (status === 403) return 'forbidden';
  if (status === 404 || status === 410) return 'not-found';
  if (status === 409 || status === 412) return 'conflict';
  return 'cloud';
}

const hints: Partial<Record<ErrorCode, string>> = {
  auth: 'the token was refused though it is new: has the account been disabled, or is it an application credential whose access rules leave this call out?',
  forbidden: "the cloud's policy does not let this account do it: ask for the role, or leave the resource out",
  quota: 'ask the provider for a higher quota, or remove what is no longer needed',
};

/** The error that an answer stands for: `compute: Instance x could not be found (GET /servers/x: 404)`. */
export function faultOf(who: string, method: string, path: string, reply: Reply): BaluchonError {
  const code = codeOf(reply.status, reply.text);
  const words = wordsOf(reply.text) || 'no reason given';
  const hint = reply.status >= 500 ? 'the service itself failed: try again, and tell the provider if it stays so' : hints[code];
  return new BaluchonError(code, `${who}: ${words} (${method} ${path}: ${reply.status})`, { status: reply.status, ...(hint && { hint }) });
}

const reasons: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection closed while sending',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name could not be looked up',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ETIMEDOUT: 'timed out',
  UND_ERR_CONNECT_TIMEOUT: 'timed out connecting',
  UND_ERR_HEADERS_TIMEOUT: 'timed out waiting for an answer',
  UND_ERR_BODY_TIMEOUT: 'timed out in the middle of the answer',
  UND_ERR_SOCKET: 'connection closed before the answer was complete',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'the answer was cut short',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is signed by an unknown authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is signed by an unknown authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is signed by an unknown authority',
  EPROTO: 'it does not speak TLS there',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS there',
};

/** The system's or undici's code of a failed connection (`ECONNREFUSED`), looked for through causes and aggregates. */
export function connectionCode(error: unknown): string | undefined {
  for (let at: any = error, depth = 0; at && depth < 5; at = at.cause ?? at.errors?.[0], depth += 1) {
    if (typeof at.code === 'string') return at.code;
  }
  return undefined;
}

/** True where the connection was never made, so that no call can have been acted upon. */
export function neverSent(error: unknown): boolean {
  return ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT'].includes(connectionCode(error) ?? '');
}

/** True where another try cannot help: a name that does not exist, a certificate that does not fit. */
export function hopeless(error: unknown): boolean {
  const code = connectionCode(error) ?? '';
  return code === 'ENOTFOUND' || code === 'EPROTO' || code === 'UND_ERR_INVALID_ARG' || /CERT|ERR_TLS|ERR_SSL|VERIFY/.test(code);
}

/** The error of a call that got no answer. `url` is shown without its query. */
export function networkFault(url: URL, error: unknown): BaluchonError {
  const code = connectionCode(error) ?? '';
  const reason = reasons[code] ?? (error instanceof Error && error.message ? error.message : code || 'failed');
  const tls = /CERT|ERR_TLS|VERIFY/.test(code);
  const hint = tls ? "give the cloud's own authority as `cacert` (OS_CACERT)" : 'is the address right, the network up, a proxy (https_proxy, no_proxy) needed?';
  return new BaluchonError('network', `no answer from ${url.origin}${url.pathname}: ${reason}`, { cause: error, hint });
}
