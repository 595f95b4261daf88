#!/usr/bin/env -S node --max-semi-space-size=1 --initial-old-space-size=48 --v8-pool-size=1
// Large buffers lie outside of V8's heap, and are given back by hand where there are many. The first flag keeps the young generation
// small, so that the collections that find the rest come early: without it a transfer takes 70 MiB more and no less time. The
// second lets the heap and those buffers grow to 48 MiB before all of it is gone through: without it that happens for every few MiB
// that come and go, and takes a fifth of a transfer's processor time. With the third one thread helps V8 instead of four, each of
// which keeps some MiB to itself.
// Plain JavaScript, and nothing imported that needs compiling, so that Node can be told first to keep what it compiles (and, in a
// checkout, the stripped sources): every start but the first takes a fifth less time, in a checkout half.
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';

// The heap is laid out. Node brings its own modules compiled along, and V8 takes them only while this flag is as it was when they
// were: otherwise all that are loaded from here on are compiled again, in each thread, which takes a fifth of a second of a short export.
setFlagsFromString('--initial-old-space-size=0');
const { env } = process;
// In the environment, as threads are told by it alone. Where nothing can be written, Node compiles as ever.
env.NODE_COMPILE_CACHE ??= join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'baluchon', 'node');
enableCompileCache(env.NODE_COMPILE_CACHE);
await import('./main.ts');
