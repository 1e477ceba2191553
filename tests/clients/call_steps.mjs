// The calls between a page and a SIPp phone: sipp/ has the phone's half of them.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { until } from './daemon.mjs';
import { addressOf, domain, password } from './edge.mjs';
import { encrypting } from './relay.mjs';
import { freePorts } from './proxies.mjs';
import { Sipp } from './sipp.mjs';

// How SIPp gets to a server over each transport. Debian's has no TLS: a relay has it.
export async function wayTo(server, via) {
  if (via !== 'TLS') return { via, transport: via.toLowerCase(), remote: `127.0.0.1:${server.ports[via.toLowerCase()]}`, close() {} };
  const relay = await encrypting(server.ports.tls, server.certificate);
  return { via, transport: 'tcp', remote: `127.0.0.1:${relay.port}`, close: () => relay.close() };
}

export const startPhone = (way, play, user, { port, ...keys } = {}, called = undefined) => Sipp.start({
  play, called, port, via: way.via, transport: way.transport, remote: way.remote, keys: { user, domain, password, target: 'nobody', hangs_up: 'page', ...keys },
});

export async function registeredPhone(way, called, user, keys) {
  const phone = await startPhone(way, 'phone', user, keys, called);
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
  await phone.says('accepted');
  await until('the NOTIFY of how it ended', () => phone.messages('received').some(text => text.startsWith('NOTIFY') && /^SIP\/2\.0 4(04|80)/m.test(text)));
  assert.doesNotMatch(phone.messages('received').map(text => text.split('\n', 1)[0]).join('\n'), /\.invalid/);
  await page.does('refer', addressOf('nobody'));
  await page.hears('refer answered', ({ code }) => code === 202);
  await phone.says('transferred');
  await page.hears('refer succeeded');
  if (hangsUp === 'page') await page.does('hangup');
  await page.hears('ended');
  await phone.says('over');
  assert.deepEqual(page.complaints, []);
}

// An ACK that is under way when its connection or worker ends is lost, and the next INVITE then comes before it is made up
// for, which SIP.js can't do with: a call stands when it is there.
const sequence = message => /^Call-ID: .*$/m.exec(message)[0] + /^CSeq: \d+/m.exec(message)[0];
export const hasItsAck = page => until('the ACK is there', () => page.received('ACK').map(sequence).includes(sequence(page.received('INVITE').at(-1))));

// Record-Route entries of a message, topmost first, however they are written.
export const recordRoutes = message => [...message.matchAll(/^Record-Route\s*:\s*(.*)$/gim)].flatMap(([, value]) => value.split(/,(?=\s*<)/)).map(one => one.trim());

// Every kind of call between a page and a phone over one transport, one after the other. `open()` gives the page, registered;
// `reach()` the phone's way; `looksAt` sees each first INVITE as the one who was called got it.
export function describeCalls(library, via, { pageUser, phoneUser, open, reach, looksAt }) {
  describe(`${library} and a phone over ${via}`, { concurrency: 1 }, () => {
    const phones = [];
    let page, way, contact_port;
    before(async () => {
      way = await reach();
      // A phone that is switched off and on again has the Contact it had, and its registration takes the place of the last.
      [contact_port] = await freePorts(1);
      page = await open();
    });
    afterEach(async () => {
      await Promise.all(phones.splice(0).map(phone => phone.stop()));
      page.forget();
    });
    after(async () => {
      await page?.close();
      await way?.close();
    });
    const keep = phone => {
      phones.push(phone);
      return phone;
    };
    const waits = async (called, keys) => {
      const phone = keep(await startPhone(way, 'phone', phoneUser, { ...keys, contact_port }, called));
      await phone.says('registered');
      return phone;
    };
    const plays = async (scenario, keys) => keep(await startPhone(way, scenario, phoneUser, { target: pageUser, ...keys, contact_port }));

    test('the page calls, both do everything in the dialog, the phone hangs up', async () => {
      const phone = await waits('called', { hangs_up: 'phone' });
      await page.does('call', addressOf(phoneUser));
      await page.hears('progress', ({ code }) => code === 180);
      await converse(page, phone, 'phone');
      looksAt('phone', phone.messages('received').find(text => text.startsWith('INVITE')));
    });

    test('the phone calls, both do everything in the dialog, the page hangs up', async () => {
      const phone = await plays('calls', { hangs_up: 'page' });
      await page.hears('incoming');
      await page.does('answer');
      await converse(page, phone, 'page');
      await phone.succeeds();
      looksAt('page', page.received('INVITE').findLast(text => !/^To:.*;tag=/m.test(text)));
    });

    test('the page cancels while the phone rings', async () => {
      const phone = await waits('rings');
      await page.does('call', addressOf(phoneUser));
      await page.hears('progress', ({ code }) => code === 180);
      await page.does('hangup');
      await phone.says('over');
    });

    test('the phone cancels while the page rings', async () => {
      const phone = await plays('cancels');
      await page.hears('incoming');
      await page.hears(library === 'JsSIP' ? 'failed' : 'cancelled');
      await phone.succeeds();
    });

    test('a busy phone and a busy page say so', async () => {
      const busy = await waits('busy');
      await page.does('call', addressOf(phoneUser));
      await page.hears('failed', ({ code }) => code === 486);
      await busy.says('over');
      await busy.stop();
      const caller = await plays('hears_busy');
      await page.hears('incoming');
      await page.does('reject', 486);
      await caller.succeeds();
    });

    test('a phone with a wrong password is not registered', async () => {
      const phone = await plays('wrong_password', { password: 'guess' });
      await phone.succeeds();
    });
  });
}
