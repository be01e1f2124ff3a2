// Predictions, as the specification has them. Where the aggregator does not know them, there are none.
import { ask } from '../../api/client';

export interface PredictedTechnique {
  technique_id: string;
  technique_name: string;
  probability: number;
  rank: number;
  timeframe: string;
}

export interface Prediction {
  id: string;
  timestamp: string;
  current_technique: string;
  current_technique_name: string;
  alert_id: string | null;
  incident_id?: string | null;
  validated: boolean | null;
  validation_time: string | null;
  predicted_techniques: PredictedTechnique[];
}

export const predictions = (limit = 100): Promise<{ predictions: Prediction[]; total: number } | null> => ask(`/api/predictions?limit=${limit}`);
