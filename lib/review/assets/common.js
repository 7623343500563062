// common.js - what the pages of a review share: the secret of the link, and talking to the server.
'use strict';

// The secret stands behind the '#' of the link, which a browser sends nowhere. It is kept for this tab alone and
// taken out of the address, so that nobody reads it off the screen.
const token = (() => {
  const fromLink = location.hash.slice(1);
  if (/^[0-9a-f]{32}$/.test(fromLink)) {
    sessionStorage.setItem('token', fromLink);
    history.replaceState(null, '', location.pathname);
    return fromLink;
  }
  return sessionStorage.getItem('token');
})();

// A link that is opened in a tab which shows the page already only changes what stands behind the '#'.
addEventListener('hashchange', () => location.reload());

const byId = (id) => document.getElementById(id);

// A refusal of the server; status 0 when there was no answer.
class Refusal extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

async function call(path, body) {
  const options = { headers: { Authorization: `Bearer ${token}` }, cache: 'no-store', credentials: 'omit' };
  if (body !== undefined) {
    options.method = 'POST';
    options.headers['Content-Type'] = 'application/json';
    options.body = JSON.stringify(body);
  }
  let reply;
  try {
    reply = await fetch(path, options);
  } catch {
    throw new Refusal(0, 'The server does not answer.');
  }
  if (!reply.ok) {
    const said = await reply.json().catch(() => ({}));
    throw new Refusal(reply.status, said.error || `The server refused this (${reply.status}).`);
  }
  return reply;
}

// The same, again and again while there is no answer: what was sent is stored once, however often it comes. Says to
// onTrouble what is wrong, and null when that is over.
async function insist(path, body, onTrouble, take = (reply) => reply.json()) {
  for (let wait = 500, troubled = false; ; wait = Math.min(2 * wait, 5000), troubled = true) {
    try {
      const value = await take(await call(path, body));
      if (troubled) onTrouble(null);
      return value;
    } catch (error) {
      if (error instanceof Refusal && error.status >= 400 && error.status < 500) throw error;
      onTrouble(error instanceof Refusal ? error : new Refusal(0, 'The server broke off.'));
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}

// A picture as an address that an <img> takes.
const picture = (path) =>
  insist(path, undefined, (error) => trouble(error && error.message), async (reply) => URL.createObjectURL(await reply.blob()));

function show(id, shown) {
  byId(id).hidden = !shown;
}

function say(text) {
  byId('live').textContent = text;
}

function trouble(text) {
  byId('trouble').textContent = text || '';
  show('trouble', Boolean(text));
}

// Is this key meant for what has the focus, not for the page? A button that was reached with Tab takes Space and
// Enter; one that was clicked does not.
function isTyping(event) {
  const on = event.target;
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return true;
  if (on instanceof HTMLTextAreaElement) return true;
  const button = on instanceof HTMLButtonElement && on.matches(':focus-visible');
  return button && (event.key === ' ' || event.key === 'Enter');
}
