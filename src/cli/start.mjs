#!/usr/bin/env -S MALLOC_ARENA_MAX=1 node --max-semi-space-size=1 --initial-old-space-size=48 --v8-pool-size=1
// Large buffers lie outside of V8's heap, and are given back by hand where there are many. The first flag keeps the young generation
// small, so that the collections that find the rest come early: without it a transfer takes 70 MiB more and no less time. The
// second lets the heap and those buffers grow to 48 MiB before all of it is gone through: without it that happens for every few MiB
// that come and go, and takes a fifth of a transfer's processor time. With the third one thread helps V8 instead of four, each of
// which keeps some MiB to itself. The variable lets all threads take small memory from one place, which spares another 9 MiB: the
// C library's own, so that it has to be there before Node is. (Linux before 5.1 reads 127 characters of a first line.)
// Plain JavaScript, and nothing imported that needs compiling, so that Node can be told first to keep what it compiles (and, in a
// checkout, the stripped sources): every start but the first takes a fifth less time, in a checkout half.
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';

const { env, versions } = process;
// Packs count as part of the heap they are handed through, and not as a reason of their own to go through all of it: a collection for every
// three or four of them took 6 to 8 % of the processor time of a backup or restore. V8 complains of flags that it does not know.
if (versions.v8.startsWith('13.')) setFlagsFromString('--external-memory-accounted-in-global-limit');
// In the environment, as threads are told by it alone. Where nothing can be written, Node compiles as ever.
env.NODE_COMPILE_CACHE ??= join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'baluchon', 'node');
enableCompileCache(env.NODE_COMPILE_CACHE);
await import('./main.ts');
