import type { PixelRnnElement } from 'pixel-rnn';
import type {} from 'pixel-rnn/preact';

export function Digits(props: { digits: { current: PixelRnnElement | null } }) {
  return (
    <>
      <pixel-rnn ref={props.digits} class="wide" seed="7" count={4} pace="instant" loading={undefined} />
      <pixel-rnn src={new URL('https://example.org/digits.safetensors')} seed={7n} temperature={null} ondone={({ detail }) => detail.levels.length.toFixed()} />
      {/* @ts-expect-error no such choice */}
      <pixel-rnn controls="all" />
      {/* @ts-expect-error no number */}
      <pixel-rnn count={true} />
      {/* @ts-expect-error no such setting */}
      <pixel-rnn sead="7" />
      {/* @ts-expect-error nothing of the kind is told */}
      <pixel-rnn onfailed={({ detail }) => detail.levels} />
    </>
  );
}
