// For auditors and works councils: what is kept of whom, and a trial of taking names out.
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, must } from '../../api/client';
import { count, words } from '../../lib/format';
import { BarList } from '../../components/chart';
import { Shown } from '../../components/shown';
import { sayProblem } from '../../components/toasts';

export function Privacy() {
  const report = useQuery({ queryKey: ['privacy-report'], queryFn: () => must(api.GET('/api/privacy/report')) });
  return (
    <Shown query={report} lines={6}>
      {(data) => (
        <div className="grid">
          <ul className="w5 stack">
            {data.duties.map((one) => (
              <li key={one.title}>
                <span className={`result ${one.result}`}>{one.title}</span>
                <p className="small dim">{one.summary}</p>
              </li>
            ))}
          </ul>
          <div className="w4 stack">
            <h3>Stored fields by class</h3>
            <BarList items={Object.entries(data.fields).map(([name, value]) => ({ key: name, name: words(name), value }))} write={count} />
            <h3>What never leaves a plant</h3>
            <ul className="small dim">
              {data.stays_at_plants.map((one) => (
                <li key={one}>{one}</li>
              ))}
            </ul>
          </div>
          <div className="w3 no-print">
            <Trial />
          </div>
        </div>
      )}
    </Shown>
  );
}

function Trial() {
  const [text, setText] = useState('');
  const [told, setTold] = useState('');
  const run = () =>
    must(api.POST('/api/privacy/pseudonymise', { body: { text } }))
      .then((found) => setTold(found.text))
      .catch(sayProblem);
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        void run();
      }}
    >
      <label className="field">
        <span>Take names out of a text</span>
        <textarea className="input" required value={text} maxLength={10_000} onChange={(event) => setText(event.target.value)} placeholder="10.0.0.7 wrote to pump@plant.example" />
      </label>
      <button className="button">Try</button>
      {told && <pre className="record">{told}</pre>}
    </form>
  );
}
