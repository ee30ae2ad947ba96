import type { PixelRnnElement } from 'pixel-rnn';
import type {} from 'pixel-rnn/preact';

export function Digits(props: { digits: { current: PixelRnnElement | null } }) {
  return (
    <>
      <pixel-rnn ref={props.digits} class="wide" seed="7" count={4} pace="instant" loading={undefined} />
      <pixel-rnn src={new URL('https://example.org/digits.safetensors')} seed={7n} temperature={null} ondone={({ detail }) => detail.levels.length.toFixed()} />
      <pixel-rnn temperature={[0.8, 1]} topK={1} topP="0.9" ondone={({ detail }) => [detail.temperature].flat().join()} />
      <pixel-rnn temperature={[0.8, 1] as const} />
      {/* @ts-expect-error no numbers */}
      <pixel-rnn temperature={['0.8', '1']} />
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
