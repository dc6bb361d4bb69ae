// A session, in DJI's order: licence, serial number, login, `api`, workspace, `thing`, and `media` when it has connected. Nothing
// here repeats without a pause that grows, and a chain that is not the newest one ends.

import { asks, call, denies, isFalse, isLoaded, isTrue, knows, load, plain, text, unload } from './bridge.js';
import { ask, sayGoodbye } from './server.js';
import { save, saved } from './saved.js';
import { forgetAllBut, LICENSE_REFUSED, loginError, mark, mistake, must, NO_ACCOUNT, NO_LICENSE, notConnected, OTHER_ADDRESS, RESTART, CHECK_NETWORK, StepError, steps } from './steps.js';
import { startHearing, stopHearing } from './hearing.js';
import { keepToken, stopToken } from './token.js';
import { t } from './words.js';

const CONNECT_WAIT_MS = 15000; // for the controller's MQTT connection, each way; longer when all ways failed before
const LONGEST_CONNECT_WAIT_MS = 60000;
const RETRY_MS = [30000, 60000, 120000]; // after all ways failed
const REMIND_MS = [20000, 40000, 80000, 120000]; // after a connection was lost
const CALLBACK = 'eyrieThingConnected';

export const state = {
  session: null, // the server's answer to login, renew or session
  sn: '',
  failure: null, // the StepError that ended the chain
  link: 'off', // off | connecting | on | lost
  way: null // tcp | ws, as last tried
};

let run = 0;
let retries = 0;
const timers = {};
function later(name, what, waitMs) {
  clearTimeout(timers[name]);
  const mine = run;
  timers[name] = setTimeout(() => { if (mine === run) what(); }, waitMs);
}
const clear = (name) => clearTimeout(timers[name]);

let changed = () => {};
let ended = () => {};
// `onEnd` is given the StepError to show beside the login form, or nothing.
export function watchSession(onChange, onEnd) {
  changed = onChange;
  ended = onEnd;
}

function fail(error) {
  state.failure = mistake(error);
  mark(state.failure.step, 'failed', state.failure.detail || state.failure.title, state.failure.checks);
  changed();
}

// ---- begin and end ------------------------------------------------------------------------------------------------------------

// Throws a StepError, which belongs beside the form.
export async function logIn(name, password, workspace) {
  stop();
  const asked = { name, password };
  if (workspace) asked.workspace = workspace;
  mark('login', 'working');
  // the bridge answers nothing before the licence is verified, and a stranger is told no licence: hence two questions
  const { license } = await ask('POST', '/pilot/api/license', asked).catch((error) => { throw loginError(error); });
  verify(license);
  readController();
  mark('login', 'working');
  const answer = await ask('POST', '/pilot/api/login', Object.assign({ sn: state.sn }, asked)).catch((error) => { throw loginError(error); });
  save({ token: answer.token, name, workspace: workspace || '' });
  take(answer);
  connect(true);
}

// After a reload of the web view: the token is enough, and what is loaded stays loaded.
export async function resume() {
  const mine = ++run;
  const token = saved().token;
  state.failure = null;
  mark('login', 'working');
  changed();
  try {
    const answer = await ask('GET', '/pilot/api/session', null, token);
    if (mine !== run) return;
    take(Object.assign({}, answer, { token }));
  } catch (error) {
    if (mine !== run) return;
    if (error.status === 401) return over();
    fail(loginError(error));
    return retryLater(resume);
  }
  again();
}

// From the first step that is not good.
export function again() {
  if (!state.session) return resume();
  run += 1;
  try {
    if (steps.license.state !== 'good') {
      // first of all, on each load of the page; without the internet DJI may not answer a second time
      try { verify(state.session.license); } catch (error) {
        if (!asks('platformIsVerified')) throw error;
        mark('license', 'good', t('verified before'));
      }
    }
    readController();
  } catch (error) {
    return fail(error);
  }
  if (state.session.sn && state.session.sn !== state.sn) return over(t('This login was made on another controller'));
  connect(false);
}

function take(answer) {
  state.session = answer;
  mark('login', 'good', answer.user || saved().name);
  keepToken(answer, renewed, () => over());
  startHearing(state, () => over(), heard);
}

function renewed(answer) {
  state.session = answer;
  save({ token: answer.token });
  must('token', t('Pilot 2 did not take the new login'), t('Uploads stop when the old one ends.'), [RESTART], call('apiSetToken', answer.token));
  changed();
}

// The server says that the login has ended.
function over(why) {
  stop();
  save({ token: null });
  ended(new StepError('login', why || t('Your login has ended'), t('Log in again to go on uploading. What is not uploaded yet is still on the card.')));
}

export function logOut() {
  const token = state.session ? state.session.token : saved().token;
  if (token) sayGoodbye(token);
  stop();
  save({ token: null });
  unload('media', 'thing', 'api');
  ended();
}

function stop() {
  run += 1;
  Object.keys(timers).forEach(clear);
  stopToken();
  stopHearing();
  Object.assign(state, { session: null, failure: null, link: 'off' });
  retries = 0;
  forgetAllBut('bridge');
}

function retryLater(what) {
  later('retry', what, RETRY_MS[Math.min(retries, RETRY_MS.length - 1)]);
  retries += 1;
}

// ---- the steps -----------------------------------------------------------------------------------------------------------------

function verify(license) {
  if (!license || !license.app_id || !license.app_key || !license.app_license) throw NO_LICENSE;
  mark('license', 'working');
  must('license', ...LICENSE_REFUSED, call('platformVerifyLicense', license.app_id, license.app_key, license.app_license));
  const verified = knows('platformIsVerified') ? call('platformIsVerified') : { code: 0 };
  if (verified.code !== 0 || isFalse(verified.data)) throw new StepError('license', ...LICENSE_REFUSED, t('Pilot 2 took it, but does not call it verified'));
  mark('license', 'good');
}

function readController() {
  const words = [t('The controller’s serial number cannot be read'), t('Without it the server cannot tell this controller from others.'), [RESTART]];
  const answer = must('controller', ...words, call('platformGetRemoteControllerSN'));
  state.sn = plain(answer.data);
  if (!state.sn) throw new StepError('controller', ...words, t('Pilot 2 answered without one'));
  mark('controller', 'good', state.sn);
}

// `fresh`: after a login, what an earlier one loaded is replaced; otherwise it stays.
function connect(fresh) {
  state.failure = null;
  clear('retry');
  try {
    loadApi(fresh);
    nameWorkspace();
    loadThing(fresh);
  } catch (error) {
    fail(error);
  }
  changed();
}

function loadApi(fresh) {
  const { api_host: host, token } = state.session;
  const words = [t('Pilot 2 did not take the server’s address'), t('Nothing can be uploaded until it does.'), [RESTART]];
  let loaded = isLoaded('api');
  if (loaded && (fresh || text('apiGetHost').replace(/\/$/, '') !== host)) {
    unload('media', 'thing', 'api'); // the others depend on it
    loaded = false;
  }
  must('api', ...words, loaded ? call('apiSetToken', token) : load('api', { host, token }));
  if (new URL(host).hostname === location.hostname) mark('api', 'good', host);
  else mark('api', 'attention', t('The server calls itself {0}, and this page came from {1}', host, location.host), [OTHER_ADDRESS]);
}

function nameWorkspace() {
  const { workspace_id: id, workspace_name: name, platform_name: platform } = state.session;
  must('workspace', t('Pilot 2 did not take the workspace'), t('Uploads need it.'), [RESTART], call('platformSetWorkspaceId', id));
  const named = call('platformSetInformation', platform, name, t('Media library'));
  mark('workspace', 'good', name + (named.code === 0 ? '' : ' (' + t('Pilot 2 does not show its name') + ')'));
}

export function hostOf(way) {
  const mqtt = state.session && state.session.mqtt;
  return mqtt ? (way === 'ws' ? mqtt.ws_host : mqtt.host) : null;
}

// What was chosen, or both, with the one first that worked last.
function ways() {
  const { way, worked } = saved();
  if (way === 'tcp' || way === 'ws') return [way];
  return (worked === 'ws' ? ['ws', 'tcp'] : ['tcp', 'ws']).filter(hostOf);
}

function loadThing(fresh) {
  const { mqtt } = state.session;
  if (!mqtt) throw NO_ACCOUNT;
  if (isLoaded('thing')) {
    if (!fresh) {
      state.way = state.way || saved().worked || 'tcp';
      call('thingSetConnectCallback', CALLBACK);
      if (asks('thingGetConnectState')) return connected();
      state.link = 'connecting';
      mark('thing', 'working', hostOf(state.way));
      call('thingConnect', mqtt.username, mqtt.password, CALLBACK);
      return waitForConnection(ways());
    }
    unload('media', 'thing');
  }
  tryWay(ways());
}

function tryWay(left) {
  const { mqtt } = state.session;
  [state.way] = left;
  state.link = 'connecting';
  const host = hostOf(state.way);
  mark('thing', 'working', host);
  must('thing', t('Pilot 2 did not take the connection'), t('The controller is not connected.'), [RESTART],
    load('thing', { host, connectCallback: CALLBACK, username: mqtt.username, password: mqtt.password }));
  // it may have connected before it returned
  if (state.link === 'connecting') waitForConnection(left);
  changed();
}

function waitForConnection(left) {
  later('connect', () => {
    if (asks('thingGetConnectState')) return connected();
    try {
      if (left.length > 1) {
        unload('media', 'thing');
        return tryWay(left.slice(1));
      }
      // the last one stays: Pilot 2 may get through yet, and says so
      state.link = 'off';
      throw notConnected(ways().map(hostOf).join(t(' and ')));
    } catch (error) {
      fail(error);
      retryLater(reconnect);
    }
  }, Math.min(CONNECT_WAIT_MS * (retries + 1), LONGEST_CONNECT_WAIT_MS));
}

// With another way, or after a while.
export function reconnect() {
  if (!state.session) return;
  run += 1;
  state.failure = null;
  try { loadThing(true); } catch (error) { fail(error); }
  changed();
}

// Called by Pilot 2, by name, whenever the connection changes.
window[CALLBACK] = (on) => {
  if (!state.session) return;
  if (isTrue(on)) connected();
  else if (state.link === 'on') lost(0);
};

function connected() {
  ['connect', 'retry', 'remind'].forEach(clear);
  state.link = 'on';
  state.failure = null;
  retries = 0;
  save({ worked: state.way });
  mark('thing', 'good', hostOf(state.way));
  try { loadMedia(); } catch (error) { fail(error); }
  changed();
}

// Pilot 2 connects again by itself; it is reminded when it does not.
function lost(reminded) {
  state.link = 'lost';
  mark('thing', 'attention', t('The connection was lost'), CHECK_NETWORK);
  later('remind', () => {
    if (asks('thingGetConnectState')) return connected();
    const { username, password } = state.session.mqtt;
    call('thingConnect', username, password, CALLBACK);
    lost(reminded + 1);
  }, REMIND_MS[Math.min(reminded, REMIND_MS.length - 1)]);
  changed();
}

// Beside each answer of the server: what Pilot 2 itself says of its connection, when a callback was missed.
function heard() {
  if (state.link === 'on') {
    if (denies('thingGetConnectState')) lost(0);
  } else if (steps.workspace.state === 'good' && asks('thingGetConnectState')) connected();
  changed();
}

function loadMedia() {
  const { auto_upload_photo: photo, auto_upload_photo_type: type, auto_upload_video: video } = state.session.settings;
  const wasLoaded = isLoaded('media');
  if (wasLoaded && steps.media.state === 'good') return; // a connection that came back
  if (!wasLoaded) {
    must('media', t('Pilot 2 did not switch uploading on'), t('The controller is connected, but sends no files. They stay on the card.'), [RESTART],
      load('media', { autoUploadPhoto: photo, autoUploadPhotoType: type, autoUploadVideo: video }));
  }
  mark('media', 'good');
  const refused = [
    [t('photos'), call('mediaSetAutoUploadPhoto', photo)],
    [t('originals'), call('mediaSetUploadPhotoType', type)],
    [t('videos'), call('mediaSetAutoUploadVideo', video)],
    [t('which controller downloads'), call('mediaSetDownloadOwner', 0)]
  ].filter((one) => one[1].code !== 0);
  if (refused.length) {
    const which = refused.map(([what, answer]) => what + ' (' + (answer.message || answer.code) + ')').join(', ');
    mark('settings', 'attention', t('Pilot 2 did not take: {0}', which), [t('Set it by hand in Pilot 2, in the settings of the cloud service.')]);
  } else {
    mark('settings', 'good', settingsInWords());
  }
}

// As Pilot 2 has them now.
function settingsInWords() {
  const [photo, type, video] = ['mediaGetAutoUploadPhoto', 'mediaGetUploadPhotoType', 'mediaGetAutoUploadVideo'].map((name) => call(name).data);
  const sent = Number(type) === 1 ? t('Photos are uploaded by themselves, as small previews.') : t('Photos are uploaded by themselves, as originals.');
  const photos = isTrue(photo) ? sent : t('Photos are uploaded by hand.');
  return photos + ' ' + (isTrue(video) ? t('Videos are uploaded by themselves.') : t('Videos are uploaded by hand.'));
}
