-- A small city: two districts, four schools, two workshops each. Ids are made from the codes.
select count(*) from lx.unit_import('sim',
  (select array_agg(md5('unit ' || c)::uuid order by o) from unnest(array['C', 'D1', 'D2', 'S1', 'S2', 'S3', 'S4', 'S1-1', 'S1-2', 'S2-1', 'S2-2', 'S3-1', 'S3-2', 'S4-1', 'S4-2'])
   with ordinality x (c, o)),
  array[null, 'C', 'C', 'D1', 'D1', 'D2', 'D2', 'S1', 'S1', 'S2', 'S2', 'S3', 'S3', 'S4', 'S4'], array[1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4],
  array['C', 'D1', 'D2', 'S1', 'S2', 'S3', 'S4', 'S1-1', 'S1-2', 'S2-1', 'S2-2', 'S3-1', 'S3-2', 'S4-1', 'S4-2'],
  array['City', 'District 1', 'District 2', 'School 1', 'School 2', 'School 3', 'School 4', 'W11', 'W12', 'W21', 'W22', 'W31', 'W32', 'W41', 'W42'],
  array[0, 1, 2, null, null, null, null, null, null, null, null, null, null, null, null]::int4[], '{}', '{}');
