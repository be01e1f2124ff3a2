import { Page } from '../../components/shown';
export default function Incidents() { return <Page title="Incidents">…</Page>; }
