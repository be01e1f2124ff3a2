// Shows /openapi.json. Nothing is asked of anybody else; all text is put in as text.
const make = (name, text, ...inside) => {
  const element = document.createElement(name);
  if (text) element.textContent = text;
  element.append(...inside);
  return element;
};
const named = (schema) => {
  if (!schema) return '';
  if (schema.$ref) return schema.$ref.split('/').pop();
  if (schema.oneOf) return schema.oneOf.map(named).join(' or ');
  if (schema.type === 'array') return `list of ${named(schema.items)}`;
  return [].concat(schema.type ?? 'any').join(' or ') + (schema.format ? ` (${schema.format})` : '');
};
const fields = (document_, schema) => {
  const found = schema?.$ref ? document_.components.schemas[named(schema)] : schema;
  if (!found?.properties) return make('p', named(schema));
  const rows = Object.entries(found.properties).map(([name, one]) =>
    make('tr', '', make('td', name + (found.required?.includes(name) ? '' : ' ?')), make('td', named(one)), make('td', one.description ?? '')));
  return make('table', '', make('caption', named(schema)), ...rows);
};
const operation = (document_, path, method, one) => {
  const badge = make('span', method.toUpperCase());
  badge.className = 'method';
  const details = make('details', '', make('summary', '', badge, make('code', path), one.summary ?? ''));
  details.dataset.text = `${method} ${path} ${one.summary ?? ''} ${one.operationId}`.toLowerCase();
  details.append(make('p', one.description ?? ''));
  if (one.parameters?.length) {
    const rows = one.parameters.map((p) =>
      make('tr', '', make('td', p.name), make('td', p.in), make('td', named(p.schema)), make('td', p.description ?? '')));
    details.append(make('h4', 'Parameters'), make('table', '', ...rows));
  }
  const body = one.requestBody?.content?.['application/json']?.schema;
  if (body) details.append(make('h4', 'Body'), fields(document_, body));
  for (const [status, answer] of Object.entries(one.responses)) {
    details.append(make('h4', `${status} ${answer.description ?? ''}`));
    const [kind, content] = Object.entries(answer.content ?? {})[0] ?? [];
    if (kind === 'application/json') details.append(fields(document_, content.schema));
    else if (kind) details.append(make('p', kind));
  }
  return details;
};
const show = async () => {
  const about = document.getElementById('about');
  try {
    const document_ = await (await fetch('/openapi.json')).json();
    about.textContent = `${document_.info.description} (OpenAPI ${document_.openapi}, version ${document_.info.version})`;
    const main = document.getElementById('operations');
    for (const tag of document_.tags) {
      const section = make('section', '', make('h2', tag.name), make('p', tag.description));
      for (const [path, item] of Object.entries(document_.paths)) {
        for (const [method, one] of Object.entries(item)) {
          if (one.tags?.includes(tag.name)) section.append(operation(document_, path, method, one));
        }
      }
      main.append(section);
    }
    document.getElementById('find').addEventListener('input', (event) => {
      const wanted = event.target.value.toLowerCase();
      for (const one of main.querySelectorAll('details')) one.hidden = !one.dataset.text.includes(wanted);
    });
  } catch (error) {
    about.textContent = `The document cannot be read: ${error.message}`;
  }
};
show();
