// The demo phone: one page, one user, one call at a time. It registers over the WebSocket of the server it came from (RFC 7118),
// calls and writes by JsSIP, and learns who else is there from /demo/online.json. State lives in the few objects named below;
// each `show...` function makes one part of the page agree with them, and nothing else touches the page.
/* global JsSIP */

const $ = id => document.getElementById(id);
const server = { domain: location.hostname, version: '' };
const me = { name: '', instance: '', ua: null, state: 'offline' };
const people = new Map();  // name -> {online, unread, lines, row}
let openPeer = '';         // whose conversation is shown
let call = null;           // {peer, direction, phase, session, stream, startedAt, note, muted}

// --- who we are --------------------------------------------------------------------------------------------------------

const nameRule = /^[a-z0-9][a-z0-9._-]{0,31}$/;

// The name and the SIP instance (RFC 5626 4.1) belong to the tab: a reload registers as the same flow and replaces its binding.
// A duplicated tab inherits sessionStorage, and two tabs with one instance would take each other's calls: the one that cannot
// get the lock named after the instance becomes a new one. A reload waits for the lock of the page it replaces.
async function claimInstance() {
  const remembered = sessionStorage.getItem('instance');
  const fresh = () => { sessionStorage.removeItem('name'); return crypto.randomUUID(); };
  me.instance = remembered ?? fresh();
  if (navigator.locks) {
    if (!await holdLock(me.instance)) await holdLock(me.instance = fresh());
  }
  sessionStorage.setItem('instance', me.instance);
}

function holdLock(instance) {
  return new Promise(resolve => {
    navigator.locks
      .request(`sipwsd-phone-${instance}`, { signal: AbortSignal.timeout(1000) }, () => { resolve(true); return new Promise(() => {}); })
      .catch(() => resolve(false));
  });
}

async function learnServer() {
  const answer = await fetchJson('/demo.json');
  if (answer?.domain) server.domain = answer.domain;
  server.version = answer?.version ?? '';
  $('domain').textContent = server.domain;
  $('version').textContent = server.version && `sipwsd ${server.version}`;
}

async function fetchJson(path) {
  try {
    const answer = await fetch(path, { cache: 'no-store', signal: AbortSignal.timeout(4000) });
    return answer.ok ? await answer.json() : null;
  } catch { return null; }
}

async function submitName(event) {
  event.preventDefault();
  const name = $('name').value.trim().toLowerCase();
  $('name').value = name;
  if (!name) return refuseName('Enter a name first.');
  if (!nameRule.test(name)) return refuseName('Use up to 32 letters, digits, dots, dashes or underscores; begin with a letter or digit.');
  $('signin-button').disabled = true;
  const online = (await fetchJson('/demo/online.json'))?.online ?? [];
  $('signin-button').disabled = false;
  if (online.includes(name) && name !== sessionStorage.getItem('left')) return refuseName(`“${name}” is in use already. Choose another name.`);
  refuseName('');
  signIn(name);
}

function refuseName(words) {
  $('signin-error').textContent = words;
  $('name').setAttribute('aria-invalid', Boolean(words));
  if (words) $('name').focus();
}

// --- registration ------------------------------------------------------------------------------------------------------

function signIn(name) {
  me.name = name;
  sessionStorage.setItem('name', name);
  people.delete(name);
  const socket = new JsSIP.WebSocketInterface(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/`);
  const ua = me.ua = new JsSIP.UA({
    sockets: [socket],
    uri: `sip:${name}@${server.domain}`,
    instance_id: `uuid:${me.instance}`,
    user_agent: `sipwsd demo phone ${server.version}`.trim(),
    connection_recovery_min_interval: 1,
    connection_recovery_max_interval: 8,
  });
  // A user agent that was signed out still reports its end: only the present one may change the page.
  const on = (event, act) => ua.on(event, data => { if (me.ua === ua) act(data); });
  on('connecting', () => setState(me.state === 'offline' ? 'connecting' : me.state));
  on('disconnected', () => setState('reconnecting'));
  on('registered', () => { setState('registered'); tell(''); refreshOnline(); });
  on('unregistered', () => setState('reconnecting'));
  on('registrationFailed', data => registrationRefused(ua, data));
  on('newRTCSession', data => { if (data.originator === 'remote') callArrives(data.session); });
  on('newMessage', data => { if (data.originator === 'remote') messageArrives(data); });
  setState('connecting');
  showView(openPeer ? 'conversation' : 'people');
  $('people-title').focus();
  ua.start();
}

// JsSIP does not try again by itself while the connection holds. What will not change is told; the rest is tried again.
function registrationRefused(ua, { response, cause }) {
  const code = response?.status_code;
  if (code === 401 || code === 403 || code === 404 || code === 407) {
    signOut();
    return refuseName(`The server refused “${$('name').value}” (${code} ${response.reason_phrase}).`);
  }
  setState('refused');
  tell(`Registration failed: ${code ? `${code} ${response.reason_phrase}` : cause}. Trying again.`);
  setTimeout(() => { if (me.ua === ua && ua.isConnected() && !ua.isRegistered()) ua.register(); }, 4000);
}

function signOut() {
  const ua = me.ua;
  if (call) endCall('');
  call = null;
  showCall();
  me.ua = null;
  ua?.stop();  // BYE or CANCEL, unregister, close
  $('name').value = me.name;
  sessionStorage.setItem('left', me.name);
  sessionStorage.removeItem('name');
  me.name = '';
  openPeer = '';
  people.clear();
  setState('offline');
  showView('signin');
  $('name').focus();
}

const stateWords = { offline: 'Not signed in', connecting: 'Connecting…', registered: 'Registered', reconnecting: 'Reconnecting…', refused: 'Not registered' };

function setState(state) {
  me.state = state;
  $('status').dataset.state = state;
  $('status-text').textContent = stateWords[state];
  $('me').hidden = !me.name;
  $('me-name').textContent = me.name;
  paintAvatar($('me-avatar'), me.name);
  showPeer();
  showContacts();
}

// --- people ------------------------------------------------------------------------------------------------------------

function person(name) {
  if (!people.has(name)) people.set(name, { online: false, unread: 0, lines: [], row: null });
  return people.get(name);
}

// Names are users of our domain; anybody else keeps their host.
const addressOf = name => `sip:${name.includes('@') ? name : `${name}@${server.domain}`}`;
const nameOf = uri => (uri.host === server.domain ? uri.user : `${uri.user}@${uri.host}`);

async function refreshOnline() {
  if (!me.name || document.hidden) return;
  const online = (await fetchJson('/demo/online.json'))?.online;
  if (!online || !me.name) return;
  for (const one of people.values()) one.online = false;
  for (const name of online) if (name !== me.name) person(name).online = true;
  for (const [name, one] of people) if (!one.online && !one.lines.length && name !== openPeer) people.delete(name);
  showContacts();
  showPeer();
}

function showContacts() {
  const names = [...people.keys()].sort((a, b) => people.get(b).online - people.get(a).online || a.localeCompare(b));
  const rows = names.map(name => contactRow(name, person(name)));
  const list = $('contacts');
  if (rows.length !== list.children.length || rows.some((row, i) => list.children[i] !== row)) {
    const focused = list.contains(document.activeElement) ? document.activeElement : null;
    list.replaceChildren(...rows);
    focused?.focus();
  }
  const online = names.filter(name => people.get(name).online).length;
  $('people-count').textContent = online;
  $('nobody').hidden = online > 0;
  const unread = [...people.values()].reduce((sum, one) => sum + one.unread, 0);
  const ringing = call?.phase === 'incoming' ? `${call.peer} is calling – ` : '';
  document.title = `${ringing}${unread ? `(${unread}) ` : ''}${me.name ? `${me.name} – ` : ''}sipwsd phone`;
}

function contactRow(name, one) {
  if (!one.row) {
    const who = element('button', { type: 'button', className: 'who', testid: `contact-${name}` },
      element('span', { className: 'avatar', ariaHidden: 'true' }),
      element('span', { className: 'who-words' }, element('b', {}, name), element('small', {})),
      element('span', { className: 'badge', testid: `unread-${name}` }));
    const ring = element('button', { type: 'button', className: 'icon ring', ariaLabel: `Call ${name}`, testid: `call-${name}` });
    ring.append($('call-button').querySelector('svg').cloneNode(true));
    who.onclick = () => openConversation(name);
    ring.onclick = () => { openConversation(name); placeCall(name); };
    one.row = element('li', { className: 'contact' }, who, ring);
  }
  const [who, ring] = one.row.children;
  const [avatar, words, badge] = who.children;
  paintAvatar(avatar, name, one.online);
  words.lastChild.textContent = inCallWith(name) ? 'In a call with you' : one.lines.at(-1)?.text ?? (one.online ? 'Online' : 'Offline');
  badge.textContent = one.unread;
  badge.hidden = !one.unread;
  who.setAttribute('aria-label', [name, one.online ? 'online' : 'offline', one.unread && `${one.unread} unread`].filter(Boolean).join(', '));
  one.row.classList.toggle('current', name === openPeer);
  who.setAttribute('aria-current', name === openPeer);
  one.row.dataset.online = one.online;
  ring.disabled = !mayCall(name) || !one.online;
  return one.row;
}

function paintAvatar(avatar, name, online = false) {
  avatar.textContent = name.slice(0, 1);
  avatar.classList.toggle('online', online);
  let hue = 7;
  for (const c of name) hue = (hue * 31 + c.codePointAt(0)) % 360;
  avatar.style.setProperty('--hue', hue);
}

function element(tag, { testid, ...properties }, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  if (testid) made.dataset.testid = testid;
  made.append(...children);
  return made;
}

// --- conversation ------------------------------------------------------------------------------------------------------

function openConversation(name) {
  openPeer = name;
  person(name).unread = 0;
  showPeer();
  showLog();
  showContacts();
  showView('conversation');
  if (matchMedia('(min-width: 720px)').matches) $('message').focus();
}

function showPeer() {
  const one = openPeer && person(openPeer);
  $('open').hidden = !one;
  $('nothing-open').hidden = Boolean(one);
  if (!one) return;
  $('peer-name').textContent = openPeer;
  $('peer-state').textContent = inCallWith(openPeer) ? 'In a call with you' : one.online ? 'Online' : 'Offline';
  paintAvatar($('peer-avatar'), openPeer, one.online);
  $('call-button').disabled = !mayCall(openPeer);
  $('send').disabled = me.state !== 'registered';
}

function showLog() {
  $('log').replaceChildren(...person(openPeer).lines.map(line => {
    const shown = element('div', { className: `line ${line.kind}`, testid: line.kind === 'event' ? 'event' : `message-${line.kind}` }, line.text);
    shown.dataset.delivery = line.delivery ?? '';
    shown.append(element('small', {}, [line.at, line.trouble].filter(Boolean).join(' · ')));
    return shown;
  }));
  $('log').scrollTop = $('log').scrollHeight;
}

function addLine(name, kind, text) {
  const line = { kind, text, at: new Date().toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' }) };
  const { lines } = person(name);
  lines.push(line);
  if (lines.length > 500) lines.shift();
  if (name === openPeer) showLog();
  showContacts();
  return line;
}

function noteUnread(name) {
  if (name === openPeer && !document.hidden && document.body.dataset.view === 'conversation') return;
  person(name).unread += 1;
  showContacts();
}

function messageArrives({ message, request }) {
  const type = (request.getHeader('Content-Type') ?? 'text/plain').split(';')[0].trim().toLowerCase();
  if (type !== 'text/plain') return message.reject({ status_code: 415 });
  const from = nameOf(message.remote_identity.uri);
  addLine(from, 'in', request.body ?? '');
  noteUnread(from);
}

function sendMessage(event) {
  event?.preventDefault();
  const text = $('message').value.trim();
  const peer = openPeer;
  if (!text || !peer || me.state !== 'registered') return;
  const line = addLine(peer, 'out', text);
  const settle = (delivery, trouble = '') => {
    Object.assign(line, { delivery, trouble });
    if (peer === openPeer) showLog();
  };
  settle('sending');
  me.ua.sendMessage(addressOf(peer), text, {
    eventHandlers: {
      succeeded: () => settle('delivered'),
      failed: ({ response, cause }) => settle('failed', `Not delivered: ${failureWords(peer, response, cause)}`),
    },
  });
  $('message').value = '';
  $('message').focus();
}

// --- calls -------------------------------------------------------------------------------------------------------------

const busy = () => Boolean(call) && call.phase !== 'ended';
const inCallWith = name => call?.phase === 'active' && call.peer === name;
const mayCall = name => me.state === 'registered' && !busy() && name !== me.name;
const rtc = { iceServers: [] };  // host candidates are enough on one machine: nothing leaves it

async function placeCall(peer) {
  if (!mayCall(peer)) return;
  const mine = call = { peer, direction: 'out', phase: 'outgoing', session: null, stream: null, note: 'Waiting for the microphone…', muted: false };
  showCall();
  const stream = await openMicrophone();
  if (call !== mine || mine.phase !== 'outgoing') return stopStream(stream);
  if (!stream) return endCall('The call was not made: no access to the microphone.');
  mine.stream = stream;
  mine.note = 'Calling…';
  showCall();
  mine.session = me.ua.call(addressOf(peer), { mediaStream: stream, pcConfig: rtc, eventHandlers: sessionEvents(mine) });
  attachAudio(mine);
}

function callArrives(session) {
  if (busy()) return session.terminate({ status_code: 486 });
  const mine = call = { peer: nameOf(session.remote_identity.uri), direction: 'in', phase: 'incoming', session, stream: null, note: 'wants to talk to you', muted: false };
  person(mine.peer);
  for (const [event, act] of Object.entries(sessionEvents(mine))) session.on(event, act);
  session.on('peerconnection', () => attachAudio(mine));
  showCall();
  // Taking the focus from somebody who is typing would let a stray space answer the call.
  if (!document.activeElement?.matches('input, textarea')) $('answer').focus();
}

async function answerCall() {
  const mine = call;
  if (mine?.phase !== 'incoming' || mine.answering) return;
  mine.answering = true;
  showCall();
  const stream = await openMicrophone();
  mine.answering = false;
  if (call !== mine || mine.phase !== 'incoming') return stopStream(stream);
  if (!stream) return showCall();  // still ringing: allow the microphone and answer again, or decline
  mine.stream = stream;
  mine.session.answer({ mediaStream: stream, pcConfig: rtc });
  openConversation(mine.peer);
}

function sessionEvents(mine) {
  const change = changes => { if (call === mine && mine.phase !== 'ended') { Object.assign(mine, changes); showCall(); } };
  return {
    progress: () => { if (mine.direction === 'out') change({ note: 'Ringing…' }); },
    accepted: () => change({ phase: 'active', note: '', startedAt: Date.now() }),
    ended: ({ originator, cause }) => {
      if (call !== mine) return;
      if (cause === JsSIP.C.causes.RTP_TIMEOUT) endCall(`The connection to ${mine.peer} was lost.`);
      else endCall(originator === 'local' ? 'You hung up.' : `${mine.peer} hung up.`);
    },
    failed: ({ originator, message, cause }) => {
      if (call !== mine) return;
      const missed = mine.direction === 'in' && originator !== 'local';
      endCall(missed ? `You missed a call from ${mine.peer}.` : failureWords(mine.peer, message, cause));
    },
  };
}

// One sentence for the person, from the answer's code where there is one.
function failureWords(peer, response, cause) {
  const code = response?.status_code;
  switch (code) {
    case 404: case 604: return `there is nobody called ${peer} here.`;
    case 408: return `${peer} did not answer.`;
    case 410: case 430: case 480: return `${peer} is not online.`;
    case 486: case 600: return `${peer} is in another call.`;
    case 603: return `${peer} declined.`;
    case 488: case 606: return 'the two browsers could not agree on audio.';
  }
  if (code) return `the server answered ${code} ${response.reason_phrase}.`;
  if (cause === JsSIP.C.causes.CANCELED) return 'you cancelled the call.';
  if (cause === JsSIP.C.causes.REJECTED) return `you declined the call from ${peer}.`;
  if (cause === JsSIP.C.causes.NO_ANSWER) return 'nobody answered in time.';
  if (cause === JsSIP.C.causes.CONNECTION_ERROR) return 'the connection to the server was lost.';
  if (cause === JsSIP.C.causes.REQUEST_TIMEOUT) return 'the server did not answer.';
  return `the call failed (${cause}).`;
}

function hangUp(options) {
  if (!busy()) return;
  if (call.session && !call.session.isEnded()) call.session.terminate(options);
  else endCall('You cancelled the call.');
}

function endCall(words) {
  const { peer, direction, phase, startedAt, stream } = call;
  if (phase === 'ended') return;
  const sentence = words.startsWith(peer) ? words : words.charAt(0).toUpperCase() + words.slice(1);  // a name stays as it is written
  const lasted = startedAt ? duration(startedAt) : '';
  call.phase = 'ended';
  call.note = sentence;
  call.lasted = lasted;
  stopStream(stream);
  $('remote-audio').srcObject = null;
  if (call.session && !call.session.isEnded()) call.session.terminate();
  addLine(peer, 'event', lasted ? `${direction === 'out' ? 'You called' : 'Call from'} ${peer}, ${lasted}` : sentence);
  if (direction === 'in' && !lasted && sentence.startsWith('You missed')) noteUnread(peer);
  const mine = call;
  setTimeout(() => { if (call === mine) dismissCall(); }, 8000);
  showCall();
}

function dismissCall() {
  if (busy()) return;
  call = null;
  showCall();
}

const callTitles = { incoming: peer => `${peer} is calling`, outgoing: peer => `Calling ${peer}`, active: peer => `In a call with ${peer}`, ended: peer => (call.lasted ? `Call with ${peer} ended` : `Not connected to ${peer}`) };
const callActs = { answer: ['incoming'], decline: ['incoming'], cancel: ['outgoing'], mute: ['active'], hangup: ['active'], dismiss: ['ended'] };

function showCall() {
  const card = $('call');
  const phase = call?.phase ?? 'idle';
  const hadFocus = card.contains(document.activeElement);
  const changed = card.dataset.phase !== phase;
  card.dataset.phase = phase;
  card.hidden = !call;
  ring(phase);
  if (call) {
    paintAvatar($('call-avatar'), call.peer);
    const title = callTitles[phase](call.peer);
    if ($('call-title').textContent !== title) $('call-title').textContent = title;
    $('call-note').textContent = call.note;
    $('call-audio').hidden = phase !== 'active';
    $('answer').disabled = Boolean(call.answering);
    $('mute').setAttribute('aria-pressed', call.muted);
    $('mute').lastElementChild.textContent = call.muted ? 'Unmute' : 'Mute';
    for (const [id, phases] of Object.entries(callActs)) $(id).hidden = !phases.includes(phase);
    showTimer();
  }
  if (changed && hadFocus) (card.querySelector('.call-acts button:not([hidden])') ?? ($('open').hidden ? $('people-title') : $('message'))).focus();
  showPeer();
  showContacts();
}

function duration(since) {
  const seconds = Math.floor((Date.now() - since) / 1000);
  const two = n => String(n).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  return `${hours ? `${hours}:${two(Math.floor(seconds / 60) % 60)}` : Math.floor(seconds / 60)}:${two(seconds % 60)}`;
}

function showTimer() {
  $('call-timer').hidden = !call?.startedAt;
  if (call?.startedAt) $('call-timer').textContent = call.lasted || duration(call.startedAt);
}

// --- media -------------------------------------------------------------------------------------------------------------

async function openMicrophone() {
  tell('');
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: true });
  } catch (error) {
    if (error.name === 'NotFoundError') {
      tell('No microphone was found: you will hear the other side, but they will not hear you.');
      return soundContext().createMediaStreamDestination().stream;
    }
    if (error.name === 'NotAllowedError') tell('The microphone was refused. Allow it for this page in the browser’s address bar, then try again.');
    else if (!navigator.mediaDevices) tell('This browser gives the microphone only to pages from localhost or https.');
    else tell(`The microphone could not be opened: ${error.message || error.name}`);
    return null;
  }
}

function stopStream(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

function attachAudio(mine) {
  const { connection } = mine.session;
  connection.addEventListener('track', ({ streams, track }) => {
    if (call !== mine) return;
    $('remote-audio').srcObject = streams[0] ?? new MediaStream([track]);
    $('remote-audio').play().catch(() => tell('The browser blocked the sound. Click anywhere in the page to hear the call.'));
  });
  // A BYE can get lost with the connection that should have carried it. Then the sound tells: JsSIP ends a call whose ICE has failed,
  // and a peer that closes its side says so in DTLS, seconds earlier.
  connection.addEventListener('iceconnectionstatechange', () => {
    if (call !== mine || mine.phase !== 'active') return;
    mine.note = connection.iceConnectionState === 'disconnected' ? 'No sound from the other side; waiting…' : '';
    showCall();
  });
  mine.session.on('accepted', () => {
    const dtls = connection.getSenders()[0]?.transport;
    dtls?.addEventListener('statechange', () => {
      if (dtls.state === 'closed') setTimeout(() => { if (call === mine) hangUp({ cause: JsSIP.C.causes.RTP_TIMEOUT }); }, 1500);
    });
  });
  // Not every host interface answers at once (a VPN that is down, say): after half a second the candidates at hand will do.
  let timer;
  mine.session.on('icecandidate', ({ ready }) => { timer ??= setTimeout(ready, 500); });
}

async function showAudio() {
  const mine = call;
  if (mine?.phase !== 'active') return;
  showTimer();
  const report = await mine.session.connection.getStats();
  if (call !== mine) return;
  for (const stat of report.values()) {
    if (stat.kind !== 'audio') continue;
    if (stat.type === 'outbound-rtp') showBytes('audio-out', stat.bytesSent, 'sent');
    if (stat.type === 'inbound-rtp') showBytes('audio-in', stat.bytesReceived, 'received');
    if (stat.type === 'media-source') showLevel('level-out', mine.muted ? 0 : stat.audioLevel);
    if (stat.type === 'inbound-rtp') showLevel('level-in', stat.audioLevel);
  }
}

function showBytes(id, bytes, verb) {
  $(id).dataset.bytes = bytes;
  $(id).textContent = `${Math.round(bytes / 1000)} kB ${verb}`;
}

function showLevel(id, level = 0) {
  $(id).style.setProperty('--level', Math.min(1, Math.sqrt(level)).toFixed(2));
}

function toggleMute() {
  if (call?.phase !== 'active') return;
  call.muted = !call.muted;
  if (call.muted) call.session.mute({ audio: true }); else call.session.unmute({ audio: true });
  showCall();
}

// Two quiet tones, made here: a file would be one more thing to serve.
let sound = null;
let ringing = { phase: 'idle', timer: 0 };
const soundContext = () => (sound ??= new AudioContext());

function ring(phase) {
  if (phase === ringing.phase) return;
  clearInterval(ringing.timer);
  ringing = { phase, timer: 0 };
  const notes = { incoming: [660, 880, 660], outgoing: [425] }[phase];
  if (!notes) return;
  const play = () => {
    const context = soundContext();
    if (context.state !== 'running') { context.resume().catch(() => {}); return; }
    notes.forEach((frequency, i) => {
      const tone = new OscillatorNode(context, { frequency });
      const volume = new GainNode(context, { gain: 0 });
      const start = context.currentTime + i * 0.22;
      volume.gain.setTargetAtTime(0.06, start, 0.02);
      volume.gain.setTargetAtTime(0, start + (notes.length > 1 ? 0.16 : 0.8), 0.05);
      tone.connect(volume).connect(context.destination);
      tone.start(start);
      tone.stop(start + 1.2);
    });
  };
  play();
  ringing.timer = setInterval(play, 2600);
}

// --- the page ----------------------------------------------------------------------------------------------------------

function showView(view) {
  document.body.dataset.view = view;
  $('signin').hidden = view !== 'signin';
  $('phone').hidden = view === 'signin';
}

function tell(words) {
  $('notice').hidden = !words;
  $('notice-text').textContent = words;
}

function wire() {
  $('signin-form').onsubmit = submitName;
  $('name').oninput = () => refuseName('');
  $('signout').onclick = signOut;
  $('notice-close').onclick = () => tell('');
  $('back').onclick = () => { const row = people.get(openPeer)?.row; openPeer = ''; showPeer(); showContacts(); showView('people'); row?.firstChild.focus(); };
  $('dial-form').onsubmit = event => {
    event.preventDefault();
    const name = $('dial').value.trim().toLowerCase().replace(/^sip:/, '');
    if (!name) return $('dial').focus();
    if (!JsSIP.URI.parse(addressOf(name))) return tell(`“${name}” is not a name that can be called.`);
    if (name === me.name) return tell('That is you. Choose somebody else.');
    $('dial').value = '';
    tell('');
    openConversation(name);
  };
  $('call-button').onclick = () => placeCall(openPeer);
  $('answer').onclick = answerCall;
  $('decline').onclick = () => hangUp({ status_code: 603 });
  $('cancel').onclick = () => hangUp();
  $('hangup').onclick = () => hangUp();
  $('mute').onclick = toggleMute;
  $('dismiss').onclick = dismissCall;
  $('compose').onsubmit = sendMessage;
  $('message').onkeydown = event => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    sendMessage(event);
  };
  document.addEventListener('click', () => { if ($('remote-audio').srcObject) $('remote-audio').play().catch(() => {}); });
  document.addEventListener('visibilitychange', () => {
    refreshOnline();
    if (!document.hidden && openPeer && person(openPeer).unread) { person(openPeer).unread = 0; showContacts(); }
  });
  // The server drops the bindings of a closed connection by itself; saying goodbye also ends a call for the other side.
  addEventListener('pagehide', () => { if (busy()) hangUp(); me.ua?.stop(); });
  addEventListener('pageshow', event => { if (event.persisted) location.reload(); });
  setInterval(refreshOnline, 2000);
  setInterval(showAudio, 250);
}

wire();
await Promise.all([claimInstance(), learnServer()]);
const remembered = sessionStorage.getItem('name');
if (remembered && nameRule.test(remembered)) signIn(remembered);
else { showView('signin'); $('name').focus(); }
document.body.dataset.ready = 'true';
