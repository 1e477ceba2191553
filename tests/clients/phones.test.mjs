// Pages with JsSIP and SIP.js and phones over UDP, TCP and TLS (SIPp): registered with a password, and calling each other.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startBrowser } from './browser.mjs';
import { describeCalls, recordRoutes, registeredPhone, startPhone, wayTo } from './call_steps.mjs';
import { addressOf, password, startEdge } from './edge.mjs';
import { freePorts } from './proxies.mjs';
import { libraries, servePages, Softphone } from './softphone.mjs';

const names = Object.keys(libraries);
const transports = ['UDP', 'TCP', 'TLS'];
const user = (who, i, via) => `${who}-${i}-${via}`.toLowerCase();
const users = ['large', 'large-phone'].concat(names.flatMap((_, i) => [`wrong${i}`, ...transports.flatMap(via => ['page', 'phone'].map(who => user(who, i, via)))]));

// What Kamailio is not set up for here.
const ours = { skip: process.env.EDGE === 'kamailio' };

// RFC 5658: one entry for each side, the near one on top.
function hasBothSides(who, invite) {
  const routes = recordRoutes(invite);
  assert.equal(routes.length, 2, invite);
  const [near, far] = who === 'page' ? routes : routes.reverse();
  assert.match(near, /;transport=wss?\b/i);
  assert.doesNotMatch(far, /;transport=wss?\b/i);
}

describe('pages and phones', { concurrency: true }, () => {
  let edge, browser, pages;
  before(async () => {
    edge = await startEdge({ users });
    pages = await servePages();
    browser = await startBrowser();
  });
  after(async () => {
    await browser?.close();
    await Promise.all([pages?.close(), edge?.stop()]);
  });

  for (const [i, library] of names.entries()) {
    test(`${library} with a wrong password is not registered, and is with the right one`, async () => {
      const uri = addressOf(`wrong${i}`);
      const wrong = await Softphone.open(browser, pages, library, { server: edge.url, uri, password: 'guess' });
      const { code } = await wrong.hears('registration failed');
      assert.ok([401, 403].includes(code), String(code));
      const right = await Softphone.registered(browser, pages, library, { server: edge.url, uri, password });
      await Promise.all([wrong.close(), right.close()]);
    });

    for (const via of transports) {
      const pageUser = user('page', i, via);
      describeCalls(library, via, {
        pageUser, phoneUser: user('phone', i, via), looksAt: hasBothSides, reach: () => wayTo(edge, via),
        open: () => Softphone.registered(browser, pages, library, { server: edge.url, uri: addressOf(pageUser), password }),
      });
    }
  }

  test('an INVITE too large for a datagram goes over TCP to a phone that takes it there', ours, async () => {
    const [port] = await freePorts(1);
    const udp = await wayTo(edge, 'UDP');
    const phone = await registeredPhone(udp, 'busy', 'large-phone', { port });
    const overTcp = await startPhone({ ...udp, via: 'TCP', transport: 'tcp' }, 'busy', 'large-phone', { port });
    const page = await Softphone.registered(browser, pages, 'JsSIP', { server: edge.url, uri: addressOf('large'), password });
    try {
      await overTcp.listens();
      await page.does('call', addressOf('large-phone'));
      await page.hears('failed', ({ code }) => code === 486);
      await overTcp.says('over');
      const [invite] = overTcp.messages('received');
      assert.ok(invite.length > 1300 && /^Via: SIP\/2\.0\/TCP /m.test(invite), invite);
      assert.equal(phone.messages('received').filter(text => text.startsWith('INVITE')).length, 0);
    } finally {
      await Promise.all([page.close(), phone.stop(), overTcp.stop()]);
    }
  });
});

test('a gateway is called by its address when it is one of the peers, and only then', ours, async () => {
  const [trusting, strict, pages, browser] = await Promise.all([startEdge({ users: ['page'], args: ['--peers', '127.0.0.1'] }), startEdge({ users: ['page'] }), servePages(), startBrowser()]);
  const gateways = [];
  try {
    for (const edge of [trusting, strict]) {
      const page = await Softphone.open(browser, pages, 'SIP.js', { server: edge.url, uri: addressOf('page'), password });
      await page.hears('registered');
      for (const via of ['UDP', 'TCP']) {
        const [port] = await freePorts(1);
        const gateway = await startPhone(await wayTo(edge, via), 'busy', 'gateway', { port });
        gateways.push(gateway);
        await gateway.listens();
        page.forget();
        await page.does('call', `sip:gateway@127.0.0.1:${port};transport=${via.toLowerCase()}`);
        await page.hears('failed', ({ code }) => code === (edge === trusting ? 486 : 403));
        assert.equal(gateway.messages('received').length > 0, edge === trusting);
      }
    }
  } finally {
    await Promise.all(gateways.map(gateway => gateway.stop()));
    await browser.close();
    await Promise.all([pages.close(), trusting.stop(), strict.stop()]);
  }
});
