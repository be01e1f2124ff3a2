import { Page } from '../../components/shown';
export default function Settings() { return <Page title="Settings">…</Page>; }
