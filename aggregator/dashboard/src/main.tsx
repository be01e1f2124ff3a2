import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Problem } from './api/problem';
import { begin, useSession } from './api/session';
import { router } from './app/router';
import { SignIn, Starting } from './app/sign-in';
import { startPrefs } from './lib/prefs';
import { startSocket } from './live/socket';
import './styles/tokens.css';
import './styles/parts.css';
import './styles/frame.css';
import './styles/list.css';
import './styles/alert.css';
import './styles/charts.css';
import './styles/pages.css';

const client = new QueryClient({
  defaultOptions: {
    queries: {
      // A laptop that is offline still reaches an aggregator beside it.
      networkMode: 'always',
      staleTime: 5_000,
      retry: (failed, error) => {
        const problem = Problem.from(error);
        return failed < 2 && (problem.isAway || problem.status === 500 || problem.status === 502);
      },
      retryDelay: (nth) => 600 * 2 ** nth,
    },
    mutations: { networkMode: 'always' },
  },
});

function App() {
  const session = useSession();
  if (session.state === 'starting') return <Starting problem={session.problem} />;
  if (session.state === 'out') return <SignIn />;
  return <RouterProvider router={router} />;
}

startPrefs();
startSocket();
void begin();
const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <App />
      </QueryClientProvider>
    </StrictMode>,
  );
}
