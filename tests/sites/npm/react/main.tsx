import { StrictMode, useRef } from 'react';
import { createRoot } from 'react-dom/client';
import type { PixelRnnElement } from 'pixel-rnn';
import type {} from 'pixel-rnn/react';
import 'pixel-rnn';

function Digits() {
  const digits = useRef<PixelRnnElement>(null);
  return (
    <pixel-rnn
      ref={digits}
      seed="7"
      count={4}
      pace="instant"
      loading="eager"
      ondone={({ detail }) => digits.current?.setAttribute('data-drawn', String(detail.seed))}
    />
  );
}

const root = document.getElementById('root');
if (root) createRoot(root).render(<StrictMode><Digits /></StrictMode>);
