// What can be asked from the controller itself: the way to the server, its clock, the way to the storage.

import { ask, clock, limit, Refused } from './server.js';
import { CHECK_NETWORK, minutes } from './steps.js';

const CLOCK_OFF_S = 300;

// `put(state, words, detail)` is called for each finding.
export async function probe(session, put) {
  const began = Date.now();
  try {
    await ask('GET', '/healthz');
    put('good', 'This page reaches the server', (Date.now() - began) + ' ms');
    const off = Math.round((clock.off_ms || 0) / 1000);
    const far = Math.abs(off);
    if (far <= CLOCK_OFF_S) put('good', 'The controller’s clock is right', far < 2 ? '' : far + ' s ' + (off > 0 ? 'behind' : 'ahead'));
    else {
      put('failed', 'The controller’s clock is ' + minutes(far) + (off > 0 ? ' behind' : ' ahead'),
        'Uploads are signed with the time and refused when it is wrong. Set date, time and zone of the controller.');
    }
  } catch (error) {
    put('failed', 'The server cannot be reached', error.status ? 'It answered ' + error.status : CHECK_NETWORK[0]);
  }
  if (session) await probeStorage(session, put);
  else put('waiting', 'Storage', 'Checked when you are logged in.');
}

async function probeStorage(session, put) {
  let endpoint;
  try {
    const answer = await ask('POST', '/storage/api/v1/workspaces/' + session.workspace_id + '/sts', null, session.token);
    if (!answer || answer.code !== 0) throw new Refused(200, answer);
    ({ endpoint } = answer.data);
    put('good', 'Upload credentials are given', '');
  } catch (error) {
    const why = error.status ? 'The server answered ' + error.status + ': ' + (error.problem.message || error.problem.detail || 'no reason') : 'The server cannot be reached';
    return put('failed', 'Upload credentials are refused', why);
  }
  if (location.protocol === 'https:' && !endpoint.startsWith('https:')) {
    return put('attention', 'Storage at ' + endpoint, 'A page with https cannot look there. Pilot 2 may reach it all the same.');
  }
  const time = limit();
  try {
    // any answer will do; this page may not read it
    await fetch(endpoint, { mode: 'no-cors', cache: 'no-store', credentials: 'omit', signal: time.signal });
    put('good', 'The storage is reached', endpoint);
  } catch (error) {
    put('failed', 'The storage cannot be reached',
      endpoint + ': is its port open between controller and server? Whoever runs the server: is --public-host the address that this controller uses?');
  } finally {
    time.done();
  }
}
