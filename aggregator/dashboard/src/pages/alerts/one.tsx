// An alert on a page of its own: what a link in a message opens.
import { Go } from '../../components/go';
import { Icon } from '../../components/icons';
import { useTitle } from '../../components/shown';
import { useId_ } from '../../app/router';
import { Detail } from './detail';

export default function One() {
  useTitle('Alert');
  const id = useId_();
  return (
    <div className="content" id="content" tabIndex={-1}>
      <div className="page alone">
        <Go to="/alerts" className="row small">
          <Icon name="left" /> All alerts
        </Go>
        <Detail id={id} />
      </div>
    </div>
  );
}
