-- Who works there: an account for every office (password "simulated", cheaply hashed), and three teachers in every workshop.
insert into lx.account (person, account, name, password_hash, must_change)
select md5('person ' || a)::uuid, 'acc.' || a, 'Name of ' || a, '$5$rounds=1000$simulated$JH1Y.T8aqocnl5RpzXH7lPBFayg3KqjyIxHrppQu5FA', false
from unnest(array['city', 'd1', 'd2', 's1', 's2', 's3', 's4', 'w11', 'w12', 'w21', 'w31', 'expert']) a;
insert into lx.role_grant (id, person, unit, role, from_at)
select md5('grant ' || a)::uuid, md5('person ' || a)::uuid, md5('unit ' || c)::uuid, r, lx.sim_now() - interval '100 days'
from (values ('city', 'C', 5), ('d1', 'D1', 4), ('d2', 'D2', 4), ('s1', 'S1', 3), ('s2', 'S2', 3), ('s3', 'S3', 3), ('s4', 'S4', 3), ('w11', 'S1-1', 2), ('w12', 'S1-2', 2),
             ('w21', 'S2-1', 2), ('w31', 'S3-1', 2), ('expert', 'D1', 6)) g (a, c, r);
do $$
declare
  v_unit record;
  v_person uuid;
  v_person_row lx.person;
  v_row lx.membership;
  v_verdict record;
begin
  for v_unit in select u.* from lx.unit u where u.level = 4 order by u.code loop
    for i in 1..3 loop
      v_person := md5('teacher ' || v_unit.code || i)::uuid;
      v_person_row := null;
      v_person_row.district := v_unit.district;
      v_person_row.stream := v_unit.id;
      v_person_row.id := v_person;
      v_person_row.name := 'Teacher ' || v_unit.code || i;
      v_person_row.teacher_no := 'T' || v_unit.code || i;
      v_person_row.birth_year := 1980;
      v_person_row.certificate := true;
      v_person_row.in_post := true;
      v_person_row.established := true;
      v_person_row.full_time := true;
      v_verdict := lx.person_put(md5('person city')::uuid, v_unit.district, v_unit.id, v_person_row, 0);
      assert v_verdict.verdict = 1;
      v_row := null;
      v_row.district := v_unit.district;
      v_row.id := md5('membership ' || v_unit.code || i)::uuid;
      v_row.person := v_person;
      v_row.unit := v_unit.id;
      v_row.programme := 1;
      v_row.role := 1;
      v_row.from_at := lx.sim_now() - interval '100 days';
      v_row.guest := false;
      v_verdict := lx.membership_put(md5('person city')::uuid, v_unit.district, v_row, 0);
      assert v_verdict.verdict = 1, v_verdict::text;
    end loop;
  end loop;
end
$$;
