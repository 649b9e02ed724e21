export const MapView = () => null;
