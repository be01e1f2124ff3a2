// Who found it, by layer: what each detector said, and how sure it is.
import type { Schemas } from '../../api/client';
import { percent, words } from '../../lib/format';
import { Moment } from '../../components/marks';

type Source = Schemas['Source'];

const LAYERS: Record<number, [string, string]> = {
  1: ['Unusual', 'Detectors that know what is normal at this plant'],
  2: ['Named', 'The classifier, which knows attacks'],
  3: ['Foreseen', 'The graph of techniques, which knows what follows what'],
};

const MODELS: Record<string, string> = {
  baseline: 'Baseline: who talks to whom, and how',
  forest: 'Isolation forest',
  autoencoder: 'Autoencoder over the minute',
  subspace: 'Subspace of normal seconds',
  classifier: 'Classifier of attacks',
  web: 'Web requests',
};

export function Sources({ sources }: { sources: readonly Source[] }) {
  const layers = [1, 2, 3].map((layer) => ({ layer, found: sources.filter((one) => one.layer === layer) }));
  return (
    <div className="layers">
      {layers.map(({ layer, found }) => (
        <section key={layer} className={found.length ? 'layer' : 'layer none'} aria-label={`Layer ${layer}`}>
          <h3>
            <span className="dim">Layer {layer}</span> {LAYERS[layer]?.[0]}
          </h3>
          {found.length === 0 && <p className="small dim">{LAYERS[layer]?.[1]}: said nothing.</p>}
          <ul className="stack">
            {[...found]
              .sort((a, b) => b.confidence - a.confidence)
              .map((one, nth) => (
                <li key={nth} className="source">
                  <div className="row">
                    <b>{MODELS[one.model_name] ?? words(one.model_name)}</b>
                    <span className="small dim">
                      <Moment at={one.detection_time} />
                    </span>
                  </div>
                  <div className="row nowrap confidence">
                    <div className="meter" aria-hidden="true">
                      <i style={{ width: percent(one.confidence) .replace(' ', '') }} />
                    </div>
                    <span className="num small">{percent(one.confidence)} sure</span>
                  </div>
                  <p>{one.evidence}</p>
                  <Facts of={one.context_evidence} />
                </li>
              ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

function Facts({ of }: { of: unknown }) {
  if (of === null || typeof of !== 'object') return null;
  const facts = Object.entries(of).filter(([, value]) => value === null || typeof value !== 'object');
  if (facts.length === 0) return null;
  return (
    <p className="row small">
      {facts.slice(0, 12).map(([name, value]) => (
        <span key={name} className="chip">
          <span className="dim">{name.replaceAll('_', ' ')}</span> {String(value)}
        </span>
      ))}
    </p>
  );
}
