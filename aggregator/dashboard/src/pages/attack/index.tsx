import { Page } from '../../components/shown';
export default function Attack() { return <Page title="Attack">…</Page>; }
