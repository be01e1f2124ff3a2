import { Page } from '../../components/shown';
export default function Learning() { return <Page title="Learning">…</Page>; }
