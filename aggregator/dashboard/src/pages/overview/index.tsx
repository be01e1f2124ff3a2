import { Page } from '../../components/shown';
export default function Overview() { return <Page title="Overview">…</Page>; }
