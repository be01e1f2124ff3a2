import { Page } from '../../components/shown';
export default function Traffic() { return <Page title="Traffic">…</Page>; }
