import { Page } from '../../components/shown';
export default function Facilities() { return <Page title="Facilities">…</Page>; }
