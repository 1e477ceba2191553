// Pages with JsSIP and SIP.js and phones over UDP, TCP and TLS (SIPp): registered with a password, and calling each other.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startBrowser } from './browser.mjs';
import { describeCalls, recordRoutes, wayTo } from './call_steps.mjs';
import { addressOf, password, startEdge } from './edge.mjs';
import { libraries, servePages, Softphone } from './softphone.mjs';

const names = Object.keys(libraries);
const transports = ['UDP', 'TCP', 'TLS'];
const user = (who, i, via) => `${who}-${i}-${via}`.toLowerCase();
const users = names.flatMap((_, i) => [`wrong${i}`, ...transports.flatMap(via => ['page', 'phone'].map(who => user(who, i, via)))]);

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
});
