// The steps of a session, as the Diagnose panel lists them, and what is said when one fails: what happened, what it means for
// the pictures, what to check.

import { Refused } from './server.js';

export const STEPS = [
  ['bridge', 'DJI Pilot 2 found'],
  ['license', 'Licence accepted by Pilot 2'],
  ['controller', 'Serial number of the controller'],
  ['login', 'Login at this server'],
  ['api', 'Server address handed over'],
  ['workspace', 'Workspace named'],
  ['thing', 'Controller connected'],
  ['heard', 'Server hears the controller'],
  ['media', 'Upload switched on'],
  ['settings', 'Upload settings'],
  ['token', 'Login kept fresh']
];

// {state: waiting | working | good | attention | failed, detail, checks} by name.
export const steps = {};
STEPS.forEach(([name]) => { steps[name] = { state: 'waiting', detail: '', checks: [] }; });

let listener = () => {};
export function onStep(changed) { listener = changed; }

export function mark(name, state, detail = '', checks = []) {
  steps[name] = { state, detail, checks };
  listener();
}
export function forgetAllBut(kept) {
  STEPS.forEach(([name]) => { if (name !== kept) mark(name, 'waiting'); });
}

export class StepError {
  constructor(step, title, text, checks = [], detail = '') {
    Object.assign(this, { step, title, text, checks, detail });
  }
}

// Passes a good answer of the bridge on; any other is the step's failure.
export function must(step, title, text, checks, answer) {
  if (answer.code !== 0) {
    throw new StepError(step, title, text, checks, 'Pilot 2 answered ' + answer.code + ': ' + (answer.message || 'no reason'));
  }
  return answer;
}

export const RESTART = 'Leave the cloud platform in Pilot 2, open it again and log in. If that does not help, restart the controller.';
export const CHECK_NETWORK = [
  'Is the controller on the network (Wi-Fi, cable or dongle) on which this server is reached?',
  'Does the server run? Whoever runs it can tell with “eyrie doctor”.'
];
export const SILENT = ['Is this the server that Pilot 2 shows as its cloud platform?', 'Is the aircraft on? ' + RESTART];
export const NO_LICENSE = new StepError('license', 'The server has no DJI licence',
  'Pilot 2 connects only to servers with a licence of DJI, and none is set here. Pictures stay on the card.', [
    'Whoever runs the server: make a Cloud API app at developer.dji.com and put its app_id, app_key and app_license into [cloud_api] of the configuration.'
  ]);
export const LICENSE_REFUSED = ['Pilot 2 does not accept the licence', 'The licence of this server was refused. Pictures stay on the card.', [
  'The controller must reach the internet once, so that Pilot 2 can ask DJI. Connect it and try again.',
  'Whoever runs the server: compare app_id, app_key and app_license with developer.dji.com, without blanks or line breaks.'
]];
export const NO_ACCOUNT = new StepError('thing', 'The server has no account for this controller',
  'It works beside a broker of its own, whose accounts it cannot hand out. Pictures stay on the card.', [
    'Whoever runs the server: controllers need the embedded broker (no mqtt.url in the configuration).'
  ]);

export function notConnected(tried) {
  return new StepError('thing', 'The controller cannot connect',
    'This page reaches the server, but the controller’s own connection does not. Pictures wait on the card; it tries again by itself.', [
      'Is the port of ' + tried + ' open between controller and server?',
      'Whoever runs the server: --public-host must be the address that this controller uses; “eyrie doctor” checks it.',
      'With TLS, the certificate must come from a public authority: controllers refuse others.'
    ], 'Tried ' + tried);
}

export function minutes(seconds) {
  return seconds ? Math.ceil(seconds / 60) + ' min' : 'some minutes';
}

// A refused login in words.
export function loginError(error) {
  if (!(error instanceof Refused)) return error;
  const said = error.problem.detail || '';
  const detail = said && error.status ? error.status + ': ' + said : said;
  const fail = (title, text, checks) => new StepError('login', title, text, checks, detail);
  switch (error.status) {
    case 0: return fail('The server cannot be reached', 'Nothing was sent, and nothing is lost.', CHECK_NETWORK);
    case 400: return Object.assign(fail('Which workspace?', 'This login needs one more thing: the name of your workspace.',
      ['Whoever gave you the account knows the workspace’s name.']), { wantsWorkspace: true });
    case 401: return fail('Name or password is wrong', 'Capital and small letters count.', ['Check the name, then type the password again with “Show”.']);
    case 403: return fail('This login may not upload', said || 'The account or the controller is not allowed to.',
      ['The account needs the role operator.', 'The controller may have been disabled: ask whoever runs the library.']);
    case 404: return Object.assign(fail('This workspace is not known', 'There is none of this name for your account.',
      ['Check the workspace’s name.']), { wantsWorkspace: true });
    case 409: return fail('This serial number is taken', said || 'It belongs to a dock or to another workspace.',
      ['Is this the right workspace?', 'Ask whoever runs the library to free the serial number.']);
    case 429: return fail('Too many failed logins', 'The server waits ' + minutes(error.retryAfterS) + ' before it looks at a password again.',
      ['Ask for a new password if you are not sure of yours.']);
    default: return fail('The server could not log you in', 'The fault is on the server’s side; what you typed may be right.',
      ['Try again in a minute.', 'Ask whoever runs the library to look at its log.']);
  }
}

// What nobody foresaw.
export function mistake(error) {
  return error instanceof StepError ? error
    : new StepError('login', 'This page made a mistake', 'Reload it; tell whoever runs the library.', [], String(error && error.message));
}
