// The login page of DJI Pilot 2: wiring. For web views from Chromium 70 on: modules, and nothing newer (a test looks).

import { call, hasBridge } from './bridge.js';
import { listen } from './hearing.js';
import { probe } from './probe.js';
import { save, saved } from './saved.js';
import { $, closeTop, openDiagnose, render, renderProbes, renderSteps, renderWay, show, showLogin } from './screens.js';
import { again, logIn, logOut, reconnect, resume, state, watchSession } from './session.js';
import { mark, mistake, onStep, steps } from './steps.js';
import { watchToken } from './token.js';
import { language, t, translatePage } from './words.js';

const BRIDGE_WAIT_MS = 60000; // for a bridge that is put in late, as by hand for a trial
const each = (selector, what) => document.querySelectorAll(selector).forEach(what);
const onClick = (id, what) => $(id).addEventListener('click', what);

function submit(event) {
  event.preventDefault();
  const name = $('name').value.trim();
  const password = $('password').value;
  $('name').setAttribute('aria-invalid', String(!name));
  $('password').setAttribute('aria-invalid', String(!password));
  if (!name || !password) return $(name ? 'password' : 'name').focus();
  const busy = (on) => {
    $('submit').disabled = on;
    $('submit').textContent = on ? t('Logging in') : t('Log in');
  };
  busy(true);
  $('login-notice').hidden = true;
  logIn(name, password, $('workspace').value.trim()).then(() => {
    $('password').value = '';
    show('session');
  }, (error) => {
    const why = mistake(error);
    if (steps.login.state === 'working') mark('login', 'waiting');
    mark(why.step, 'failed', why.detail || why.title, why.checks);
    showLogin(why);
  }).then(() => busy(false));
}

function begin() {
  mark('bridge', 'good');
  try {
    // called by Pilot 2: the arrow of its title bar (true: nothing else to do), and when the platform is left
    window.djiBridge.onBackClick = closeTop;
    window.djiBridge.onStopPlatform = () => { if (state.session) logOut(); };
  } catch (e) { /* an object that takes no functions: both are a convenience */ }
  if (!saved().token) return showLogin();
  show('session');
  resume();
}

function look(until) {
  if (hasBridge()) begin();
  else if (Date.now() < until) setTimeout(() => look(until), 100);
}

function isDark() {
  const { theme } = saved();
  return theme ? theme === 'dark' : window.matchMedia('(prefers-color-scheme: dark)').matches;
}
function renderTheme() {
  const { theme } = saved();
  if (theme) document.documentElement.setAttribute('data-theme', theme);
  $('theme').textContent = isDark() ? t('Light colours') : t('Dark colours');
}

translatePage();
$('language').textContent = language === 'de' ? 'English' : 'Deutsch';
$('language').lang = language === 'de' ? 'en' : 'de';
onStep(renderSteps);
watchSession(render, showLogin);
$('form').addEventListener('submit', submit);
onClick('reveal', () => {
  const hide = $('password').type === 'text';
  $('password').type = hide ? 'password' : 'text';
  $('reveal').textContent = hide ? t('Show') : t('Hide');
  $('reveal').setAttribute('aria-pressed', String(!hide));
});
onClick('theme', () => {
  save({ theme: isDark() ? 'light' : 'dark' });
  renderTheme();
});
onClick('language', () => {
  save({ language: language === 'de' ? 'en' : 'de' });
  location.reload(); // the token is enough to go on
});
onClick('again', again);
onClick('close', () => call('platformStopSelf'));
onClick('logout', () => { $('sure').hidden = false; $('sure-no').focus(); });
onClick('sure-no', closeTop);
onClick('sure-yes', logOut);
onClick('back', closeTop);
onClick('probe', () => {
  const found = [];
  $('probe').disabled = true;
  const put = (...finding) => {
    found.push(finding);
    renderProbes(found);
  };
  probe(state.session, put).then(() => { $('probe').disabled = false; });
});
each('.open-diagnose', (button) => button.addEventListener('click', openDiagnose));
each('[data-way]', (button) => button.addEventListener('click', () => {
  save({ way: button.getAttribute('data-way'), worked: null });
  renderWay();
  reconnect();
}));
const wake = () => {
  if (document.hidden) return;
  watchToken();
  listen();
};
document.addEventListener('visibilitychange', wake);
window.addEventListener('online', wake);

$('address').textContent = location.origin + '/pilot';
renderTheme();
renderSteps();
if (!hasBridge()) {
  show('outside');
  mark('bridge', 'failed', t('This page was not opened by DJI Pilot 2'));
}
look(Date.now() + BRIDGE_WAIT_MS);
