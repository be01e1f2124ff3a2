// Fields that users and keys have in common.
import { useQuery } from '@tanstack/react-query';
import { api, must, type Schemas } from '../../api/client';

type Role = Schemas['Role'];

const ROLES: Record<Role, string> = {
  viewer: 'looks',
  analyst: 'looks, and decides about alerts',
  engineer: 'that, and starts rounds and promotes models',
  admin: 'all, users and keys too',
};

export function RoleField({ value, onChange }: { value: Role; onChange: (role: Role) => void }) {
  return (
    <label className="field">
      <span>Role</span>
      <select className="input" value={value} onChange={(event) => onChange(event.target.value as Role)}>
        {(Object.keys(ROLES) as Role[]).map((one) => (
          <option key={one} value={one}>
            {one}: {ROLES[one]}
          </option>
        ))}
      </select>
    </label>
  );
}

export function PlantsField({ value, onChange }: { value: readonly string[]; onChange: (plants: string[]) => void }) {
  const plants = useQuery({ queryKey: ['facilities'], queryFn: () => must(api.GET('/api/facilities')), staleTime: 60_000 });
  const isAll = value.includes('*');
  return (
    <fieldset className="field">
      <legend className="label">Plants</legend>
      <label className="check">
        <input type="checkbox" checked={isAll} onChange={(event) => onChange(event.target.checked ? ['*'] : [])} /> All, those to come too
      </label>
      {!isAll && (
        <div className="row">
          {(plants.data?.facilities ?? []).map((one) => (
            <label key={one.id} className="check">
              <input type="checkbox" checked={value.includes(one.id)} onChange={(event) => onChange(event.target.checked ? [...value, one.id] : value.filter((id) => id !== one.id))} /> {one.name}
            </label>
          ))}
        </div>
      )}
    </fieldset>
  );
}
