// The daemon as the edge of somebody else's registrar: Kamailio with digest, Path and Outbound behind it, phones at
// Kamailio (SIPp), pages at the edge. And what becomes of them when one of these servers dies.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startBrowser } from './browser.mjs';
import { converse, describeCalls, hasItsAck, recordRoutes, registeredPhone, wayTo } from './call_steps.mjs';
import { childrenOf, until } from './daemon.mjs';
import { addressOf, password, startEdgeOf } from './edge.mjs';
import { isAnswered, startKamailio } from './kamailio.mjs';
import { freePorts } from './proxies.mjs';
import { libraries, servePages, Softphone } from './softphone.mjs';

let browser, pages;
before(async () => {
  pages = await servePages();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await pages?.close();
});
const open = (edge, library, name, options = {}) => Softphone.registered(browser, pages, library, { server: edge.url, uri: addressOf(name), password, ...options });

async function talk(caller, callee) {
  await caller.does('call', callee.uri);
  await callee.hears('incoming');
  await callee.does('answer');
  await Promise.all([caller, callee].map(page => page.hears('confirmed')));
  await hasItsAck(callee);
}
async function talkAndHangUp(caller, callee) {
  await talk(caller, callee);
  await caller.does('hold');
  await callee.hears('held');
  await callee.does('hangup');
  await caller.hears('ended');
}

describe('the edge of a registrar', { concurrency: true }, () => {
  const edges = {};
  let registrar;
  before(async () => {
    registrar = await startKamailio({ outbound: true });
    [edges.udp, edges.tcp] = await Promise.all(['udp', 'tcp'].map(transport => startEdgeOf([registrar.port], { transport })));
  });
  after(async () => {
    await Promise.all([edges.udp?.stop(), edges.tcp?.stop()]);
    await registrar?.stop();
  });

  // The edge's two and Kamailio's one or two; the phone's end is Kamailio's, the page's the edge's.
  const passedBoth = (who, invite) => {
    const routes = recordRoutes(invite);
    assert.ok(routes.length >= 3 && routes.length <= 4, invite);
    const nearPage = who === 'page' ? routes[0] : routes.at(-1);
    assert.match(nearPage, /;transport=wss?\b/i);
    assert.equal(routes.filter(route => /;transport=wss?\b/i.test(route)).length, 1, invite);
  };

  for (const [i, [library, transport]] of [['JsSIP', 'udp'], ['SIP.js', 'tcp']].entries()) {
    for (const via of ['UDP', 'TCP', 'TLS']) {
      const [pageUser, phoneUser] = ['page', 'phone'].map(who => `${who}-${i}-${via}`.toLowerCase());
      describe(`over ${transport}`, () => describeCalls(library, via, {
        pageUser, phoneUser, looksAt: passedBoth, reach: () => wayTo(registrar, via), open: () => open(edges[transport], library, pageUser),
      }));
    }
  }

  test('wrong passwords are the registrar\'s to refuse', async () => {
    await Promise.all(Object.keys(libraries).map(async (library, i) => {
      const page = await Softphone.open(browser, pages, library, { server: edges.udp.url, uri: addressOf(`wrong${i}`), password: 'guess' });
      const { code } = await page.hears('registration failed');
      assert.ok([401, 403].includes(code), String(code));
      await page.close();
    }));
  });

  test('two pages at one edge, and two at two edges, call each other by way of the registrar', async () => {
    const [anna, bert, carl] = await Promise.all([open(edges.udp, 'JsSIP', 'anna'), open(edges.udp, 'SIP.js', 'bert'), open(edges.tcp, 'JsSIP', 'carl')]);
    for (const [caller, callee] of [[anna, bert], [bert, anna], [anna, carl], [carl, bert]]) await talkAndHangUp(caller, callee);
    await Promise.all([anna, bert, carl].map(page => page.close()));
  });

  test('a page that is closed is not called any more', async () => {
    const [ella, fred] = await Promise.all([open(edges.udp, 'JsSIP', 'ella'), open(edges.udp, 'JsSIP', 'fred')]);
    await fred.close();
    const started = Date.now();
    await ella.does('call', addressOf('fred'));
    await ella.hears('failed', ({ code }) => [404, 430, 480].includes(code));
    assert.ok(Date.now() - started < 3000);
    await ella.close();
  });
});

describe('an edge and a registrar that die', { concurrency: true }, () => {
  test('the edge is started again: the pages are back by themselves, and calls go both ways', async () => {
    const registrar = await startKamailio();
    let edge = await startEdgeOf([registrar.port]);
    const way = await wayTo(registrar, 'UDP');
    const phones = [];
    try {
      const [gina, hugo] = await Promise.all([open(edge, 'JsSIP', 'gina'), open(edge, 'SIP.js', 'hugo')]);
      await edge.stop();
      await Promise.all([gina, hugo].map(page => page.hears('disconnected')));
      edge = await startEdgeOf([registrar.port], { again: edge });
      await Promise.all([gina, hugo].map(page => page.hears('registered')));
      await talkAndHangUp(gina, hugo);
      await talkAndHangUp(hugo, gina);
      phones.push(await registeredPhone(way, 'called', 'phone-after', { hangs_up: 'phone' }));
      await hugo.does('call', addressOf('phone-after'));
      await converse(hugo, phones[0], 'phone');
      await Promise.all([gina.close(), hugo.close()]);
    } finally {
      await Promise.all(phones.map(phone => phone.stop()));
      await edge.stop();
      await registrar.stop();
    }
  });

  test('a worker is killed: who was not on it notices nothing, who was is back, and the calls of both go on', async () => {
    const registrar = await startKamailio();
    const edge = await startEdgeOf([registrar.port], { workers: 3 });
    try {
      const all = await Promise.all(Array.from({ length: 6 }, (_, i) => open(edge, 'SIP.js', `user${i}`)));
      const pairs = [[all[0], all[1]], [all[2], all[3]], [all[4], all[5]]];
      await Promise.all(pairs.map(([caller, callee]) => talk(caller, callee)));
      for (const page of all) page.forget();
      const [victim] = childrenOf(edge.pid, 'worker');
      process.kill(victim, 'SIGKILL');
      const lost = () => all.filter(page => page.events.items.some(({ type }) => type === 'disconnected'));
      await until('the worker is replaced', () => { const now = childrenOf(edge.pid, 'worker'); return now.length === 3 && !now.includes(victim); });
      await Promise.all(all.filter(page => !lost().includes(page)).map(page => page.does('info', 'still here')));
      await until('the others are back', () => lost().every(page => page.events.items.some(({ type }) => type === 'registered')), { within: 10000 });
      for (const [caller, callee] of pairs) {
        await caller.does('hold');
        await callee.hears('held');
        await callee.does('hangup');
        await caller.hears('ended').catch(error => { throw new Error(`${error.message}\nthe callee:\n${callee.history.slice(-16).join('\n')}\n${edge.log.slice(-4000)}`); });
      }
      await talkAndHangUp(all[0], all[3]);
      await Promise.all(all.map(page => page.close()));
    } finally {
      await edge.stop();
      await registrar.stop();
    }
  });

  test('of two registrars one is dead: the other has the calls', async () => {
    const registrar = await startKamailio();
    const [dead] = await freePorts(1);
    const edge = await startEdgeOf([dead, registrar.port], { args: ['--upstream-interval', '1'] });
    try {
      const [ida, jule] = await Promise.all([open(edge, 'JsSIP', 'ida'), open(edge, 'SIP.js', 'jule')]);
      await talkAndHangUp(ida, jule);
      await Promise.all([ida.close(), jule.close()]);
    } finally {
      await edge.stop();
      await registrar.stop();
    }
  });

  test('the registrar is away: pages are told so, and are served when it is back', async () => {
    let registrar = await startKamailio();
    const edge = await startEdgeOf([registrar.port], { args: ['--upstream-interval', '1'] });
    try {
      const [karl, lena] = await Promise.all([open(edge, 'JsSIP', 'karl'), open(edge, 'JsSIP', 'lena')]);
      await registrar.stop();
      await karl.does('call', lena.uri);
      const { code } = await karl.hears('failed');
      assert.ok([408, 480, 500, 503, 504].includes(code), String(code));
      registrar = await startKamailio({ port: registrar.port });
      await until('it answers', () => isAnswered(registrar.port));
      for (const page of [karl, lena]) {
        const answers = () => page.received('SIP/2.0 200').filter(text => /^CSeq: \d+ REGISTER/m.test(text)).length;
        const before = answers();
        await until('registered again', async () => {
          await page.does('register');
          return until('an answer', () => answers() > before, { within: 1000 }).catch(() => false);
        }, { within: 15000 });
      }
      await talkAndHangUp(karl, lena);
      await Promise.all([karl.close(), lena.close()]);
    } finally {
      await edge.stop();
      await registrar.stop();
    }
  });
});
