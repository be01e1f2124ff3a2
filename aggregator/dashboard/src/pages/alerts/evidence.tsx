// What can be shown to somebody else: figures, the record as the API has it, and its digest.
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { api, must, type Schemas } from '../../api/client';
import { percent, words } from '../../lib/format';
import { Empty, Shown } from '../../components/shown';
import { say } from '../../components/toasts';

export function Evidence({ alert }: { alert: Schemas['Alert'] }) {
  const evidence = useQuery({ queryKey: ['alert', alert.id, 'evidence'], queryFn: () => must(api.GET('/api/context/{alert_id}/evidence', { params: { path: { alert_id: alert.id } } })) });
  const text = JSON.stringify(alert, null, 2);
  const [digest, setDigest] = useState('');
  useEffect(() => {
    // Only where the page came safely: over TLS, or from this machine.
    void crypto.subtle
      ?.digest('SHA-256', new TextEncoder().encode(text))
      .then((bytes) => setDigest([...new Uint8Array(bytes)].map((one) => one.toString(16).padStart(2, '0')).join('')));
  }, [text]);
  const save = () => {
    const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
    const link = document.createElement('a');
    link.href = url;
    link.download = `alert-${alert.id}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
    say('Saved.');
  };
  return (
    <div className="alert-body">
      <section>
        <h2>Figures of the minute</h2>
        <Shown query={evidence} empty={(data) => Object.keys(data.evidence.figures).length === 0 && <Empty title="No figures were kept">{Object.values(data.unknown)[0]}</Empty>}>
          {(data) => (
            <div className="stack">
              <dl className="facts">
                {Object.entries(data.evidence.figures).map(([name, value]) => (
                  <FactRow key={name} name={words(name)} value={value} />
                ))}
              </dl>
              {data.pattern_analysis && (
                <p>
                  <b>{words(data.pattern_analysis.pattern_type)}</b> ({percent(data.pattern_analysis.confidence)}): {data.pattern_analysis.description}
                </p>
              )}
            </div>
          )}
        </Shown>
      </section>
      <section>
        <div className="row">
          <h2>The record</h2>
          <span className="push" />
          <button className="button tiny" onClick={save}>
            Save as JSON
          </button>
        </div>
        {digest && (
          <p className="small dim">
            SHA-256 of what is below <code className="break">{digest}</code>
          </p>
        )}
        <pre className="record" tabIndex={0} aria-label="The record as JSON">
          {text}
        </pre>
      </section>
    </div>
  );
}

function FactRow({ name, value }: { name: string; value: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  );
}
