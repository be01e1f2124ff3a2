import { Page } from '../../components/shown';
export default function Compliance() { return <Page title="Compliance">…</Page>; }
