export type { Answer, Cloud, RequestOptions, Service, ServiceType } from './cloud.ts';
export { type CloudOptions, connect } from './connect.ts';
export { mapConcurrent } from './pool.ts';
export { waitFor, type WaitOptions } from './wait.ts';
