import type { Document, JsonObject } from '../tenant/document.ts';

/** A mapping file: names of the bundle's side -> names (or ids) of the target's side. */
export interface Mapping {
  flavors: Record<string, string>;
  networks: Record<string, string>;
  volume_types: Record<string, string>;
  availability_zones: Record<string, string>;
  images: Record<string, string>;
  /** Bundle's keypair -> the name it gets, or an existing one of yours that takes its place. */
  keypairs: Record<string, string>;
  /** Server name or document id -> path of a file with its user_data. */
  user_data: Record<string, string>;
  /** What to do where the project's own `default` security group differs from the bundle's: make it equal, keep it and create a group beside it, or stop. */
  default_security_group: 'exact' | 'separate' | 'ask';
  /** `new` asks for new addresses, `reuse` takes unbound ones the project owns first, `same` asks for the same address (needs an admin on most clouds). */
  floating_ips: 'new' | 'reuse' | 'same';
}

/** What is there: the target project, its own documents (with the cloud's ids) and what it may use. */
export interface Inventory {
  cloud: string;
  region?: string;
  project: { id: string; name: string };
  /** The project's own resources and those it can see and use (flavors, external networks, public images), as documents; `info.id` is the cloud's id. */
  documents: Document[];
  volume_types: { name: string; default: boolean }[];
  availability_zones: { compute: string[]; volume: string[]; network: string[] };
  /** Free room; -1 means unlimited, a missing key means the cloud does not tell. */
  quota: Record<string, { limit: number; used: number }>;
  /** Neutron extension aliases. */
  extensions: string[];
  /** What earlier runs of this import did: bundle document id -> the cloud's id (none: cut off while creating), and whether it was completed. */
  journal: Record<string, { target?: string; complete: boolean }>;
}

/**
 * `create`: a new resource. `reuse`: there already, equal, left as it is. `map`: stands for one of the target's own
 * (flavor, external network, public image). `update`: there already, made equal. `skip`: not wanted, or only described.
 * `conflict`: in the way; nothing is applied while there is one. `manual`: a person has to do it.
 */
export type ActionType = 'create' | 'reuse' | 'map' | 'update' | 'skip' | 'conflict' | 'manual';

export interface Action {
  /** The bundle's document. */
  id: string;
  kind: string;
  name: string;
  action: ActionType;
  /** Why, for a person: `b2.s: the smallest flavor with 1 vCPU, 128 MiB, 1 GiB`. */
  reason: string;
  /** The target's resource, for reuse, map and update. */
  target?: { id: string; name: string };
  /** For update: what changes, one line each. */
  changes?: string[];
  /** For create and update: what it is to be, in the target's names; references are ids of this plan's actions. */
  params?: JsonObject;
}

export type Verdict = 'kept' | 'mapped' | 'degraded' | 'lost' | 'unknown';

/** What becomes of one attribute of one document (or of the whole document when there is no attribute). */
export interface Fidelity {
  id: string;
  kind: string;
  name: string;
  attribute?: string;
  verdict: Verdict;
  /** Bundle's and target's value, for a person. */
  from?: string;
  to?: string;
  reason?: string;
}

export interface QuotaLine {
  resource: string;
  needed: number;
  free: number;
  unit?: 'GiB' | 'MiB';
  fits: boolean;
}

export interface Plan {
  format: 'baluchon-plan/1';
  bundle: { id: string; created: string; cloud: string; project: string };
  target: { cloud: string; region?: string; project: { id: string; name: string } };
  /** In an order in which they could be done one after the other. */
  actions: Action[];
  quota: QuotaLine[];
  /** Bytes of disk data to send. */
  bytes: number;
  /** An estimate. */
  seconds: number;
  fidelity: Fidelity[];
  warnings: string[];
  /** The options that it was made with. */
  only?: string[];
  rename?: string;
}

/** How an import ended. */
export interface ImportReport {
  format: 'baluchon-import/1';
  plan: Plan;
  created: { id: string; kind: string; name: string; target: string; seconds: number }[];
  failed: { id: string; kind: string; name: string; message: string; hint?: string }[];
  /** Not done because something they need failed. */
  blocked: { id: string; kind: string; name: string; by: string }[];
  /** Old floating address -> new one, so that DNS can follow; `server` is the name of what it leads to. */
  addresses: { from: string; to: string | null; server: string }[];
  fidelity: Fidelity[];
  seconds: number;
}
