// The steps of a session, as the Diagnose panel lists them, and what is said when one fails: what happened, what it means for
// the pictures, what to check.

import { Refused } from './server.js';
import { t } from './words.js';

export const STEPS = [
  ['bridge', t('DJI Pilot 2 found')],
  ['license', t('Licence accepted by Pilot 2')],
  ['controller', t('Serial number of the controller')],
  ['login', t('Login at this server')],
  ['api', t('Server address handed over')],
  ['workspace', t('Workspace named')],
  ['thing', t('Controller connected')],
  ['heard', t('Server hears the controller')],
  ['media', t('Upload switched on')],
  ['settings', t('Upload settings')],
  ['token', t('Login kept fresh')]
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
    throw new StepError(step, title, text, checks, t('Pilot 2 answered {0}: {1}', answer.code, answer.message || t('no reason')));
  }
  return answer;
}

export const RESTART = t('Leave the cloud platform in Pilot 2, open it again and log in. If that does not help, restart the controller.');
export const OTHER_ADDRESS = t('Does the controller reach both? Whoever runs the server: --public-host must be the address that this controller uses.');
export const CHECK_NETWORK = [
  t('Is the controller on the network (Wi-Fi, cable or dongle) on which this server is reached?'),
  t('Does the server run? Whoever runs it can tell with “eyrie doctor”.')
];
export const SILENT = [t('Is this the server that Pilot 2 shows as its cloud platform?'), t('Is the aircraft on?') + ' ' + RESTART];
export const NO_LICENSE = new StepError('license', t('The server has no DJI licence'),
  t('Pilot 2 connects only to servers with a licence of DJI, and none is set here. Pictures stay on the card.'), [
    t('Whoever runs the server: make a Cloud API app at developer.dji.com and put its app_id, app_key and app_license into [cloud_api] of the configuration.')
  ]);
export const LICENSE_REFUSED = [t('Pilot 2 does not accept the licence'), t('The licence of this server was refused. Pictures stay on the card.'), [
  t('The controller must reach the internet once, so that Pilot 2 can ask DJI. Connect it and try again.'),
  t('Whoever runs the server: compare app_id, app_key and app_license with developer.dji.com, without blanks or line breaks.')
]];
export const NO_ACCOUNT = new StepError('thing', t('The server has no account for this controller'),
  t('It works with an MQTT broker of others, and was not told which account controllers have there. Pictures stay on the card.'), [
    t('Whoever runs the server: set pilot.mqtt_url to the address that controllers reach and an account of that broker, or use the embedded broker (no mqtt.url).')
  ]);

export function notConnected(tried) {
  return new StepError('thing', t('The controller cannot connect'),
    t('This page reaches the server, but the controller’s own connection does not. Pictures wait on the card; it tries again by itself.'), [
      t('Is the port of {0} open between controller and server?', tried),
      t('Whoever runs the server: --public-host must be the address that this controller uses; “eyrie doctor” checks it.'),
      t('With TLS, the certificate must come from a public authority: controllers refuse others.')
    ], t('Tried {0}', tried));
}

export function minutes(seconds) {
  return seconds ? Math.ceil(seconds / 60) + ' min' : t('some minutes');
}

// A refused login in words.
export function loginError(error) {
  if (!(error instanceof Refused)) return error;
  const said = error.problem.detail || '';
  const detail = said && error.status ? error.status + ': ' + said : said;
  const fail = (title, text, checks) => new StepError('login', title, text, checks, detail);
  switch (error.status) {
    case 0: return fail(t('The server cannot be reached'), t('Nothing was sent, and nothing is lost.'), CHECK_NETWORK);
    case 400: return Object.assign(fail(t('Which workspace?'), t('This login needs one more thing: the name of your workspace.'),
      [t('Whoever gave you the account knows the workspace’s name.')]), { wantsWorkspace: true });
    case 401: return fail(t('Name or password is wrong'), t('Capital and small letters count.'), [t('Check the name, then type the password again with “Show”.')]);
    case 403: return fail(t('This login may not upload'), said || t('The account or the controller is not allowed to.'),
      [t('The account needs the role operator.'), t('The controller may have been disabled: ask whoever runs the library.')]);
    case 404: return Object.assign(fail(t('This workspace is not known'), t('There is none of this name for your account.'),
      [t('Check the workspace’s name.')]), { wantsWorkspace: true });
    case 409: return fail(t('This serial number is taken'), said || t('It belongs to a dock or to another workspace.'),
      [t('Is this the right workspace?'), t('Ask whoever runs the library to free the serial number.')]);
    case 429: return fail(t('Too many failed logins'), t('The server waits {0} before it looks at a password again.', minutes(error.retryAfterS)),
      [t('Ask for a new password if you are not sure of yours.')]);
    default: return fail(t('The server could not log you in'), t('The fault is on the server’s side; what you typed may be right.'),
      [t('Try again in a minute.'), t('Ask whoever runs the library to look at its log.')]);
  }
}

// What nobody foresaw.
export function mistake(error) {
  return error instanceof StepError ? error
    : new StepError('login', t('This page made a mistake'), t('Reload it; tell whoever runs the library.'), [], String(error && error.message));
}
