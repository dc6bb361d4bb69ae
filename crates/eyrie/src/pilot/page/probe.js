// What can be asked from the controller itself: the way to the server, its clock, the way to the storage.

import { ask, clock, limit, Refused } from './server.js';
import { CHECK_NETWORK, minutes } from './steps.js';
import { t } from './words.js';

const CLOCK_OFF_S = 300;

// `put(state, words, detail)` is called for each finding.
export async function probe(session, put) {
  const began = Date.now();
  try {
    await ask('GET', '/healthz');
    put('good', t('This page reaches the server'), (Date.now() - began) + ' ms');
    const off = Math.round((clock.off_ms || 0) / 1000);
    const far = Math.abs(off);
    if (far <= CLOCK_OFF_S) put('good', t('The controller’s clock is right'), far < 2 ? '' : off > 0 ? t('{0} behind', far + ' s') : t('{0} ahead', far + ' s'));
    else {
      put('failed', off > 0 ? t('The controller’s clock is {0} behind', minutes(far)) : t('The controller’s clock is {0} ahead', minutes(far)),
        t('Uploads are signed with the time and refused when it is wrong. Set date, time and zone of the controller.'));
    }
  } catch (error) {
    put('failed', t('The server cannot be reached'), error.status ? t('It answered {0}', error.status) : CHECK_NETWORK[0]);
  }
  if (session) await probeStorage(session, put);
  else put('waiting', t('Storage'), t('Checked when you are logged in.'));
}

async function probeStorage(session, put) {
  let endpoint;
  try {
    const answer = await ask('POST', '/storage/api/v1/workspaces/' + session.workspace_id + '/sts', null, session.token);
    if (!answer || answer.code !== 0) throw new Refused(200, answer);
    ({ endpoint } = answer.data);
    put('good', t('Upload credentials are given'), '');
  } catch (error) {
    const why = error.status ? t('The server answered {0}', error.status) + ': ' + (error.problem.message || error.problem.detail || t('no reason')) : t('The server cannot be reached');
    return put('failed', t('Upload credentials are refused'), why);
  }
  if (location.protocol === 'https:' && !endpoint.startsWith('https:')) {
    return put('attention', t('Storage at {0}', endpoint), t('A page with https cannot look there. Pilot 2 may reach it all the same.'));
  }
  const time = limit();
  try {
    // any answer will do; this page may not read it
    await fetch(endpoint, { mode: 'no-cors', cache: 'no-store', credentials: 'omit', signal: time.signal });
    put('good', t('The storage is reached'), endpoint);
  } catch (error) {
    put('failed', t('The storage cannot be reached'),
      endpoint + ': ' + t('is its port open between controller and server? Whoever runs the server: is --public-host the address that this controller uses?'));
  } finally {
    time.done();
  }
}
