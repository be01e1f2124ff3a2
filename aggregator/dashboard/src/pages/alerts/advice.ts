// What to do first, by what the attacker is after. Looking comes before touching: a plant that runs is not to be
// stopped by those who protect it.

interface Advice {
  meaning: string;
  steps: string[];
}

const LOOK = 'Ask the control room whether somebody works on the plant just now: maintenance explains most of these.';
const KEEP = 'Keep what there is: export this alert with its minute, and the capture of the mirror port if you record one.';

const BY_TACTIC: Record<string, Advice> = {
  discovery: {
    meaning: 'Somebody finds out which devices there are and what they hold. It changes nothing yet, and comes before what does.',
    steps: [LOOK, 'Find the machine behind the source address, and who uses it.', 'Look for further alerts from it in the last hour, below.', 'If nobody knows it: take its network port out of service. It is no controller; the process does not miss it.'],
  },
  collection: {
    meaning: 'Somebody reads values or programs out of controllers, more or others than operators do.',
    steps: [LOOK, 'Compare with the engineering station: was a project uploaded or a trend set up?', 'If the source is no engineering station: take it off the network.', KEEP],
  },
  'lateral-movement': {
    meaning: 'Somebody goes on from one machine to the next.',
    steps: [LOOK, 'Disable the account and the remote access that were used.', 'Look at both machines: who is signed in, what was started.', KEEP],
  },
  'impair-process-control': {
    meaning: 'Commands change how the process runs. What the controllers do may not be what operators want.',
    steps: ['Tell the control room now, and compare what the screens show with instruments on site.', 'Bring the process to a safe state by its own procedures, if operators say so. Do not block traffic to controllers before that.', 'Then cut the source off from the controllers.', KEEP],
  },
  'inhibit-response-function': {
    meaning: 'Safety functions, alarms or controllers are kept from answering.',
    steps: ['Tell the control room and whoever is responsible for safety now.', 'Check by hand that safety functions answer. Bring the process to a safe state if one does not.', 'Then cut the source off from the controllers.', KEEP],
  },
  impact: {
    meaning: 'The attack has reached what it was for: damage, loss of view or of control.',
    steps: ['Follow the emergency procedures of the plant. People first.', 'Call incident response.', KEEP],
  },
  'command-and-control': {
    meaning: 'A machine in the plant talks to somebody who steers it.',
    steps: [LOOK, 'Block the foreign address at the border of the plant; that touches no controller.', 'Look at the machine inside: what was started, and when.', KEEP],
  },
  'initial-access': {
    meaning: 'Somebody has come in, or tries to.',
    steps: [LOOK, 'Check remote access, modems and service laptops in use now.', 'Change the passwords that were tried, default ones first.', KEEP],
  },
};

const USUAL: Advice = {
  meaning: 'The plant behaves as it did not while it was learnt. What it is for cannot be told yet.',
  steps: [LOOK, 'Find the machine behind the source address, and who uses it.', 'Compare the minute below with what is normal there.', KEEP],
};

export function adviceFor(tactic: string | null | undefined): Advice & { isProcess: boolean } {
  const key = (tactic ?? '').toLowerCase().replaceAll(' ', '-');
  return { ...(BY_TACTIC[key] ?? USUAL), isProcess: key.startsWith('impair') || key.startsWith('inhibit') || key === 'impact' };
}
