// Runs the client tests, one file at a time: node run.mjs [NAME...]
// SIPWSD names the daemon (default build/sipwsd), CHROMIUM the browser. Ends with node's own count.
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { run } from 'node:test';
import { spec as Spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { binary } from './daemon.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const wanted = process.argv.slice(2);
const files = readdirSync(here)
  .filter(file => file.endsWith('.test.mjs') && (wanted.length === 0 || wanted.some(name => file.startsWith(name))))
  .sort()
  .map(file => path.join(here, file));

if (!existsSync(binary)) {
  console.error(`run.mjs: no daemon at ${binary}: build it, or set SIPWSD`);
  process.exit(2);
}
if (files.length === 0) {
  console.error(`run.mjs: no test is named ${wanted.join(' ')}`);
  process.exit(2);
}
const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => { process.exitCode = 1; stop.abort(); });
const events = run({ files, concurrency: 1, timeout: 240000, signal: stop.signal });
events.on('test:fail', () => { process.exitCode = 1; });
events.compose(new Spec()).pipe(process.stdout);
