import 'pixel-rnn';
