// The secret stands behind # in the link: no server and no log has seen it until it is sent from here.
const secret = location.hash.slice(1);
history.replaceState(null, '', location.pathname);
const said = document.getElementById('said');
if (!secret) said.textContent = 'Open the whole link that the aggregator gave: the part behind # is missing.';
document.getElementById('first').addEventListener('submit', async (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  said.textContent = 'One moment…';
  try {
    const answer = await fetch('/api/auth/setup', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ secret, name: form.get('name'), password: form.get('password') }),
    });
    const body = await answer.json();
    said.textContent = answer.ok ? `Done: ${body.user.name} can sign in.` : body.detail;
    if (answer.ok) event.target.hidden = true;
  } catch (error) {
    said.textContent = `The aggregator does not answer: ${error.message}`;
  }
});
