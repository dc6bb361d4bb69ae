// An imitation of `window.djiBridge`, as DJI documents it for the pages that DJI Pilot 2 opens ("JSBridge"): every call answers a
// string of JSON, {code, message, data}; callbacks are names of global functions; components are loaded and unloaded. It is stricter
// than the app may be: nothing but the licence is answered before the licence, types are checked, `media` wants `thing` and a
// workspace. The app outlives its web view, so what is loaded is kept over a reload (in sessionStorage).
//
// Inject it before the page's own scripts. `window.djiBridgeSimOptions` may hold
//   sn, aircraft_sn      text
//   license              {app_id, app_key, app_license} that is accepted; anything when left out
//   fail                 {call: {code, message}}, also "platformLoadComponent:media"
//   missing              [call]: an older app without them
//   garbage              [call]: answered with something that is no JSON
//   silent               [call]: done, and answered with nothing
//   connects             ["tcp", "ws", "ssl", "wss"]: the ways on which MQTT connects, all when left out
//   connect_ms           until it connects, 30 when left out
//   mute                 true: the connect callback is never called
//   verified             true: a licence was verified before
// `window.djiBridgeSim` is for the test: calls, state, session(), drop(), restore(), back(), stop().
'use strict';
(function () {
  const KEY = 'djiBridgeSim';
  const COMPONENTS = ['thing', 'api', 'ws', 'media', 'liveshare', 'map', 'tsa', 'mission'];
  const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
  const options = Object.assign({ sn: '5YSZSIM0000001', aircraft_sn: '1581FSIM000001', connect_ms: 30 }, window.djiBridgeSimOptions);

  let kept = null;
  try { kept = JSON.parse(sessionStorage.getItem(KEY)); } catch (e) { /* a page without an origin */ }
  const state = kept || {
    verified: options.verified === true, workspace_id: null, information: null, components: {}, connected: false,
    media: { photo: false, type: 1, video: false, owner: 1 }, stopped: false
  };
  const calls = (kept && kept.calls) || [];
  const keep = function () {
    try { sessionStorage.setItem(KEY, JSON.stringify(Object.assign({ calls: calls }, state))); } catch (e) { /* as above */ }
  };

  function Refusal(code, message) { this.code = code; this.message = message; }
  const refuse = function (code, message) { throw new Refusal(code, message); };
  const wants = function (value, type, what) {
    if (typeof value !== type) refuse(-2, what + ' is not a ' + type);
    return value;
  };
  const loaded = function (name) { return Object.prototype.hasOwnProperty.call(state.components, name); };
  const needs = function (name) { if (!loaded(name)) refuse(-3, name + ' is not loaded'); };
  const callback = function (name, argument) {
    if (!options.mute && typeof window[name] === 'function') window[name](argument);
  };

  let connecting = 0;
  function connect() {
    const thing = state.components.thing;
    const way = thing.host.split(':')[0];
    clearTimeout(connecting);
    if (options.connects && options.connects.indexOf(way) < 0) return;
    connecting = setTimeout(function () {
      if (state.components.thing !== thing) return;
      state.connected = true;
      keep();
      callback(thing.connectCallback, true);
    }, options.connect_ms);
  }
  function disconnect() {
    clearTimeout(connecting);
    const was = state.connected;
    state.connected = false;
    if (was && loaded('thing')) callback(state.components.thing.connectCallback, false);
  }

  function load(name, text) {
    wants(name, 'string', 'name');
    wants(text, 'string', 'param');
    if (COMPONENTS.indexOf(name) < 0) refuse(-4, 'there is no component ' + name);
    if (loaded(name)) refuse(-5, name + ' is loaded already');
    let param;
    try { param = JSON.parse(text); } catch (e) { refuse(-2, 'param is not JSON'); }
    if (name === 'api') {
      wants(param.token, 'string', 'token');
      if (!/^https?:\/\/[^/]+$/.test(wants(param.host, 'string', 'host'))) refuse(-2, 'host is not {scheme}://{host}');
    }
    if (name === 'thing') {
      ['host', 'username', 'password', 'connectCallback'].forEach(function (key) { wants(param[key], 'string', key); });
      if (!/^(tcp|ws|ssl|wss):\/\//.test(param.host)) refuse(-2, 'host begins with tcp:// or ws://');
      if (typeof window[param.connectCallback] !== 'function') refuse(-2, 'connectCallback names no global function');
    }
    if (name === 'media') {
      needs('thing');
      if (!state.workspace_id) refuse(-6, 'no workspace is set');
      if ('autoUploadPhoto' in param) state.media.photo = wants(param.autoUploadPhoto, 'boolean', 'autoUploadPhoto');
      if ('autoUploadPhotoType' in param) state.media.type = wants(param.autoUploadPhotoType, 'number', 'autoUploadPhotoType');
      if ('autoUploadVideo' in param) state.media.video = wants(param.autoUploadVideo, 'boolean', 'autoUploadVideo');
    }
    if (['map', 'tsa', 'mission'].indexOf(name) >= 0) { needs('thing'); needs('ws'); }
    state.components[name] = param;
    if (name === 'thing') connect();
    return {};
  }
  function unload(name) {
    needs(name);
    if (name === 'thing') disconnect();
    delete state.components[name];
    return {};
  }

  const functions = {
    platformVerifyLicense: function (id, key, license) {
      [id, key, license].forEach(function (text) { wants(text, 'string', 'the licence'); });
      const right = options.license;
      if (right && (right.app_id !== id || right.app_key !== key || right.app_license !== license)) refuse(601, 'license verify failed');
      state.verified = true;
      return {};
    },
    platformIsVerified: function () { return state.verified; },
    platformSetWorkspaceId: function (id) {
      if (!UUID.test(id)) refuse(-2, 'not a uuid with dashes');
      state.workspace_id = id;
      return {};
    },
    platformSetInformation: function (platform, workspace, description) {
      [platform, workspace, description].forEach(function (text) { wants(text, 'string', 'information'); });
      state.information = [platform, workspace, description];
      return {};
    },
    platformGetRemoteControllerSN: function () { return options.sn; },
    platformGetAircraftSN: function () { return options.aircraft_sn; },
    platformGetVersion: function () { return JSON.stringify({ modelVersion: 'RC Plus', appVersion: '10.1.8.18' }); },
    platformStopSelf: function () { state.stopped = true; return {}; },
    platformLoadComponent: load,
    platformUnloadComponent: unload,
    platformIsComponentLoaded: loaded,
    thingGetConnectState: function () { needs('thing'); return state.connected; },
    thingConnect: function (username, password, name) {
      needs('thing');
      Object.assign(state.components.thing, { username: username, password: password, connectCallback: name });
      connect();
      return {};
    },
    thingDisconnect: function () { needs('thing'); disconnect(); return {}; },
    thingSetConnectCallback: function (name) { needs('thing'); state.components.thing.connectCallback = wants(name, 'string', 'callback'); return {}; },
    thingGetConfigs: function () { needs('thing'); return JSON.stringify(state.components.thing); },
    apiGetToken: function () { needs('api'); return state.components.api.token; },
    apiSetToken: function (token) { needs('api'); state.components.api.token = wants(token, 'string', 'token'); return {}; },
    apiGetHost: function () { needs('api'); return state.components.api.host; },
    mediaSetAutoUploadPhoto: function (on) { needs('media'); state.media.photo = wants(on, 'boolean', 'auto'); return {}; },
    mediaGetAutoUploadPhoto: function () { needs('media'); return state.media.photo; },
    mediaSetUploadPhotoType: function (type) { needs('media'); state.media.type = wants(type, 'number', 'type'); return {}; },
    mediaGetUploadPhotoType: function () { needs('media'); return state.media.type; },
    mediaSetAutoUploadVideo: function (on) { needs('media'); state.media.video = wants(on, 'boolean', 'auto'); return {}; },
    mediaGetAutoUploadVideo: function () { needs('media'); return state.media.video; },
    mediaSetDownloadOwner: function (rc) { needs('media'); state.media.owner = wants(rc, 'number', 'rc'); return {}; },
    mediaGetDownloadOwner: function () { needs('media'); return state.media.owner; }
  };
  const BEFORE_LICENSE = ['platformVerifyLicense', 'platformIsVerified', 'platformGetVersion', 'platformStopSelf'];

  const bridge = {};
  Object.keys(functions).forEach(function (name) {
    if ((options.missing || []).indexOf(name) >= 0) return;
    bridge[name] = function () {
      const args = Array.prototype.slice.call(arguments);
      const fail = (options.fail || {})[name] || (options.fail || {})[name + ':' + args[0]];
      let answer;
      try {
        if (fail) refuse(fail.code, fail.message);
        if (!state.verified && BEFORE_LICENSE.indexOf(name) < 0) refuse(600, 'the license is not verified');
        answer = { code: 0, message: 'success', data: functions[name].apply(null, args) };
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        answer = { code: error.code, message: error.message, data: {} };
      }
      calls.push({ name: name, args: args, code: answer.code });
      keep();
      if ((options.silent || []).indexOf(name) >= 0) return undefined;
      return (options.garbage || []).indexOf(name) >= 0 ? 'undefined' : JSON.stringify(answer);
    };
  });

  window.djiBridge = bridge;
  window.djiBridgeSim = {
    calls: calls,
    state: state,
    options: options,
    // what the app itself works with from here on; `eyrie-sim pilot --session` takes it
    session: function () {
      const api = state.components.api;
      const thing = state.components.thing;
      return {
        sn: options.sn, workspace_id: state.workspace_id, api_host: api.host, token: api.token,
        mqtt: { host: thing.host, username: thing.username, password: thing.password },
        settings: { auto_upload_photo: state.media.photo, auto_upload_photo_type: state.media.type, auto_upload_video: state.media.video }
      };
    },
    drop: function () { disconnect(); keep(); },
    restore: function () { connect(); },
    back: function () { return typeof bridge.onBackClick === 'function' ? bridge.onBackClick() : false; },
    stop: function () { if (typeof bridge.onStopPlatform === 'function') bridge.onStopPlatform(); }
  };
})();
