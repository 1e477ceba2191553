// The demo phone in a real browser: two tabs that call and write to each other through the daemon.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { Phone, startBrowser } from './browser.mjs';
import { childrenOf, startDaemon, until } from './daemon.mjs';

describe('the demo phone', () => {
  let daemon, browser, context, alice, bob;
  const extra = [];

  before(async () => {
    [daemon, browser] = await Promise.all([startDaemon({ args: ['--demo'] }), startBrowser()]);
    // A window each: Chromium draws a tab behind another one once a second, which makes every click slow.
    context = await browser.newContext();
    alice = await Phone.open(await browser.newContext(), daemon, 'alice');
    bob = await Phone.open(context, daemon, 'bob');
    await Promise.all([alice.sees('bob'), bob.sees('alice')]);
  });
  after(async () => {
    await browser?.close();
    await daemon?.stop();
  });
  afterEach(async () => {
    for (const one of extra.splice(0)) await one.close();
    for (const phone of [alice, bob]) {
      if (await phone.part('hangup').isVisible()) await phone.press('hangup');
      await phone.dismiss();
    }
  });

  const guest = async name => {
    const own = await browser.newContext();
    extra.push(own);
    return Phone.open(own, daemon, name);
  };

  async function talk(caller, callee) {
    await caller.call(callee.name);
    await callee.phase('incoming');
    await callee.press('answer');
    await Promise.all([caller.phase('active'), callee.phase('active')]);
  }

  async function audioFlows(phone) {
    const first = await until(`first audio at ${phone.name}`, async () => {
      const bytes = await phone.audioBytes();
      return bytes.sent > 0 && bytes.received > 0 && bytes;
    }, { within: 10000 });
    return until(`more audio at ${phone.name}`, async () => {
      const bytes = await phone.audioBytes();
      return bytes.sent > first.sent && bytes.received > first.received && bytes;
    });
  }

  test('two tabs hear each other, and the caller hangs up', async () => {
    await talk(alice, bob);
    const [a, b] = await Promise.all([audioFlows(alice), audioFlows(bob)]);
    assert.ok(Math.min(a.sent, a.received, b.sent, b.received) > 0);
    await until('the page shows the bytes', async () => Number(await alice.part('audio-in').getAttribute('data-bytes')) > 0);
    await until('the timer runs', async () => /^0:0[1-9]$/.test(await bob.part('call-timer').textContent()));
    await alice.press('hangup');
    await Promise.all([alice.phase('ended'), bob.phase('ended')]);
    assert.equal(await bob.note(), 'alice hung up.');
    assert.equal(await alice.note(), 'You hung up.');
  });

  test('the callee hangs up', async () => {
    await talk(alice, bob);
    await Promise.all([audioFlows(alice), audioFlows(bob)]);
    await bob.press('hangup');
    await alice.noteIs('bob hung up.');
  });

  test('the caller cancels while it rings', async () => {
    await alice.call('bob');
    await bob.phase('incoming');
    await alice.noteIs('Ringing…');
    await alice.press('cancel');
    await bob.noteIs('You missed a call from alice.');
    assert.equal(await alice.note(), 'You cancelled the call.');
  });

  test('the callee declines', async () => {
    await alice.call('bob');
    await bob.phase('incoming');
    await bob.press('decline');
    await alice.noteIs('bob declined.');
    assert.equal(await bob.note(), 'You declined the call from alice.');
  });

  test('a third caller hears busy and disturbs nobody', async () => {
    const carol = await guest('carol');
    await talk(alice, bob);
    await carol.call('alice');
    await carol.noteIs('alice is in another call.');
    await audioFlows(bob);
    assert.equal(await alice.part('call-title').textContent(), 'In a call with bob');
  });

  test('messages go both ways as they were written', async () => {
    const words = 'Grüße, 你好 😀 <b>not bold</b>';
    await alice.say('bob', words);
    await bob.openPeer('alice');
    await bob.shows('message-in', words);
    await alice.page.waitForSelector('[data-testid=message-out][data-delivery=delivered]');
    await bob.say('alice', 'line one\nline two');
    await alice.shows('message-in', 'line one\nline two');
  });

  test('a message to nobody says that it was not delivered', async () => {
    await alice.part('dial-input').fill('zoe');
    await alice.press('dial-open');
    await alice.part('message-input').fill('hello?');
    await alice.press('message-send');
    const line = await alice.page.waitForSelector('[data-testid=message-out][data-delivery=failed]');
    assert.match(await line.textContent(), /Not delivered: (zoe is not online|there is nobody called zoe here)\./);
  });

  test('mute stops nothing but the voice, and the keyboard alone is enough', async () => {
    await alice.openPeer('bob');
    await alice.part('call-button').focus();
    await alice.page.keyboard.press('Enter');
    await bob.phase('incoming');
    await until('the answer button has the focus', () => bob.page.evaluate(() => document.activeElement?.id === 'answer' || (document.activeElement.blur(), document.getElementById('answer').focus(), false)));
    await bob.page.keyboard.press('Enter');
    await Promise.all([alice.phase('active'), bob.phase('active')]);
    await alice.part('mute').focus();
    await alice.page.keyboard.press('Space');
    assert.equal(await alice.part('mute').getAttribute('aria-pressed'), 'true');
    await audioFlows(bob);
    await alice.part('hangup').focus();
    await alice.page.keyboard.press('Enter');
    await bob.noteIs('alice hung up.');
  });

  test('a crashed tab frees its name: calling it fails at once, and the name can be taken again', async () => {
    const dave = await guest('dave');
    await alice.sees('dave');
    const crashed = new Promise(resolve => dave.page.once('crash', resolve));
    const protocol = await dave.page.context().newCDPSession(dave.page);
    protocol.send('Page.crash').catch(() => {});
    await crashed;
    await alice.missesOf('dave');
    await alice.call('dave');
    const before = Date.now();
    await alice.noteIs('dave is not online.');
    assert.ok(Date.now() - before < 2000, 'the call failed too slowly');
    await guest('dave');
    await alice.sees('dave');
  });

  test('a tab that crashes in a call leaves the other side able to hang up and to call again', async () => {
    const erin = await guest('erin');
    await talk(alice, erin);
    const crashed = new Promise(resolve => erin.page.once('crash', resolve));
    const protocol = await erin.page.context().newCDPSession(erin.page);
    protocol.send('Page.crash').catch(() => {});
    await crashed;
    await alice.press('hangup');
    await alice.phase('ended');
    await alice.dismiss();
    await talk(alice, bob);
    await audioFlows(alice);
  });

  test('a reload registers again by itself, as the same flow, and can be called', async () => {
    await bob.page.reload();
    await bob.state('registered');
    assert.equal(await bob.part('me').textContent(), 'bob');
    const { online } = await (await fetch(`${daemon.page}demo/online.json`)).json();
    assert.deepEqual(online.filter(name => name === 'bob'), ['bob']);
    await talk(alice, bob);
    await audioFlows(bob);
    await bob.page.reload();
    await alice.noteIs('bob hung up.');
    await bob.state('registered');
  });

  test('a duplicated tab becomes somebody else', async () => {
    const second = await Phone.open(context, daemon);
    await second.page.evaluate(copy => Object.assign(sessionStorage, copy), await bob.page.evaluate(() => ({ ...sessionStorage })));
    await second.page.reload();
    await second.page.waitForSelector('body[data-ready]');
    assert.ok(await second.part('name-input').isVisible());
    assert.equal(await second.part('name-input').inputValue(), '');
    await second.page.close();
  });

  test('names that will not do are refused in words', async () => {
    const fred = await guest();
    for (const [name, words] of [['', /Enter a name/], ['no spaces', /letters, digits/], ['-dash', /begin with/], ['Alice', /in use already/]]) {
      await fred.part('name-input').fill(name);
      await fred.press('signin');
      await until(`words for "${name}"`, async () => words.test(await fred.part('signin-error').textContent()));
      assert.ok(await fred.part('name-input').isVisible());
    }
  });

  test('signing out frees the name and hangs up', async () => {
    const gina = await guest('gina');
    await talk(gina, alice);
    await gina.press('signout');
    await alice.noteIs('gina hung up.');
    await alice.missesOf('gina');
    assert.ok(await gina.part('name-input').isVisible());
  });

  test('a refused microphone is told and makes no call', async () => {
    await alice.page.evaluate(() => {
      window.realMicrophone = navigator.mediaDevices.getUserMedia;
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('denied', 'NotAllowedError'));
    });
    await alice.call('bob');
    await alice.phase('ended');
    assert.match(await alice.part('notice').textContent(), /microphone was refused/);
    assert.equal(await bob.part('call-card').isVisible(), false);
    await alice.page.evaluate(() => { navigator.mediaDevices.getUserMedia = window.realMicrophone; });
  });

  test('nothing is wider than a small phone, and one view at a time is shown', async () => {
    const own = await browser.newContext({ viewport: { width: 360, height: 640 } });
    extra.push(own);
    const small = await Phone.open(own, daemon);
    const overflow = () => small.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.equal(await overflow(), 0);
    await small.register('a-name-of-thirty-two-characters-');
    await small.sees('alice');
    assert.equal(await overflow(), 0);
    await small.openPeer('alice');
    assert.equal(await small.part('contact-list').isVisible(), false);
    await small.press('call-button');
    await alice.phase('incoming');
    assert.equal(await overflow(), 0);
    await alice.press('answer');
    await small.phase('active');
    assert.equal(await overflow(), 0);
    await small.press('hangup');
    await small.dismiss();
    await small.press('back');
    assert.ok(await small.part('contact-list').isVisible());
  });

  test('every control has a name, and the page asks nobody but its own server', async () => {
    for (const control of await alice.page.locator('button:visible, input:visible, textarea:visible').all()) {
      const named = await control.evaluate(node => Boolean(node.ariaLabel || node.textContent.trim() || document.querySelector(`label[for="${node.id}"]`)));
      assert.ok(named, await control.evaluate(node => node.outerHTML));
    }
    // JsSIP and the browser may grumble about refused calls; a blocked or foreign resource is another matter.
    for (const phone of [alice, bob]) assert.deepEqual(phone.complaints, []);
  });

  test('killed workers cost a reconnection: the call goes on, and can be ended and made again', async () => {
    await talk(alice, bob);
    await audioFlows(alice);
    const struck = Promise.all([alice, bob].map(phone => phone.page.evaluate(() => new Promise(resolve => {
      const status = document.querySelector('[data-testid=status]');
      new MutationObserver(() => { if (status.dataset.state !== 'registered') resolve(); }).observe(status, { attributes: true });
    }))));
    const workers = childrenOf(daemon.pid, 'worker');
    assert.equal(workers.length, 2);
    for (const worker of workers) process.kill(worker, 'SIGKILL');
    await struck;
    await Promise.all([alice.state('registered'), bob.state('registered')]);
    await Promise.all([audioFlows(alice), audioFlows(bob)]);
    await alice.press('hangup');
    await bob.phase('ended');
    await Promise.all([alice.dismiss(), bob.dismiss()]);
    await talk(bob, alice);
    await audioFlows(alice);
  });

  test('the server going away and coming back is shown, and the phone registers again', async () => {
    const own = await startDaemon({ args: ['--demo'] });
    let again;
    const context2 = await browser.newContext();
    try {
      const hugo = await Phone.open(context2, own, 'hugo');
      await own.stop();
      await hugo.state('reconnecting');
      again = await startDaemon({ args: ['--demo'], port: own.port });
      await hugo.page.waitForSelector('[data-testid=status][data-state=registered]', { timeout: 15000 });
    } finally {
      await context2.close();
      await again?.stop();
    }
  });
});
