import { Page } from '../../components/shown';
export default function Models() { return <Page title="Models">…</Page>; }
