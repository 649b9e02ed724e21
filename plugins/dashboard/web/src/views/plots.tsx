export const Plots = () => null;
