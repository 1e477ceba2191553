// The steps of a test call between a page and a SIPp phone: sipp/parts/dialog.xml is the phone's half of it.
import assert from 'node:assert/strict';
import { addressOf, domain, password } from './edge.mjs';
import { encrypting } from './relay.mjs';
import { Sipp } from './sipp.mjs';

// How SIPp gets to the edge over each transport.
export async function wayTo(edge, via) {
  if (via !== 'TLS') return { via, transport: via.toLowerCase(), remote: `127.0.0.1:${edge.ports[via.toLowerCase()]}`, close() {} };
  const relay = await encrypting(edge.ports.tls, edge.certificate);
  return { via, transport: 'tcp', remote: `127.0.0.1:${relay.port}`, close: () => relay.close() };
}

export const startPhone = (way, play, user, keys = {}, called = undefined) => new Sipp({
  play, called, via: way.via, transport: way.transport, remote: way.remote, keys: { user, domain, password, target: 'nobody', hangs_up: 'page', ...keys },
});

export async function registeredPhone(way, called, user, keys) {
  const phone = startPhone(way, 'phone', user, keys, called);
  await phone.says('registered');
  return phone;
}

// From the first word to the last, once the call stands.
export async function converse(page, phone, hangsUp) {
  await phone.says('talks');
  await page.hears('confirmed');
  await page.does('info', 'Signal=5');
  await page.hears('info answered', ({ code }) => code === 200);
  await page.does('hold');
  await phone.says('held');
  await page.does('unhold');
  await phone.says('unheld');
  await page.hears('info', ({ body }) => body.includes('Signal=7'));
  await page.hears('held');
  await page.hears('unheld');
  await page.hears('referred', ({ to }) => to.includes('nobody'));
  await page.hears('third failed', ({ code }) => code === 404 || code === 480);
  await phone.says('referred');
  await page.does('refer', addressOf('nobody'));
  await page.hears('refer answered', ({ code }) => code === 202);
  await phone.says('transferred');
  await page.hears('refer succeeded');
  if (hangsUp === 'page') await page.does('hangup');
  await page.hears('ended');
  await phone.says('over');
  assert.deepEqual(page.complaints, []);
}
