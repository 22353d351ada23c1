import { z } from 'zod';
import { LOCATION_TASK_TYPE, TASK_STATUSES, TASK_TYPE } from '../../engine/api-task.js';
import type { Operation } from './operation.js';
import { paging } from './parameters.js';

const tag = 'Tasks';

export const TASK_OPERATIONS: readonly Operation[] = [
  {
    method: 'get',
    path: '/v2/tasks',
    id: 'listTasks',
    summary: 'Imports as tasks of the Image API, for admins',
    tag,
    query: [
      ...paging(1000),
      {
        name: 'type',
        description: 'Those of this type',
        schema: z.enum(['import', TASK_TYPE, LOCATION_TASK_TYPE]),
      },
      { name: 'status', description: 'Those of this status', schema: z.enum(TASK_STATUSES) },
      {
        name: 'sort_dir',
        description: 'By their creation',
        schema: z.enum(['asc', 'desc']).default('desc'),
      },
    ],
    answers: { 200: { description: 'A page', json: 'Tasks' } },
  },
  {
    method: 'post',
    path: '/v2/tasks',
    id: 'createTask',
    summary: 'Make an image and download its bytes, for admins',
    tag,
    body: { json: 'NewTask' },
    answers: {
      201: { description: 'The task', json: 'Task', headers: { Location: 'The task' } },
    },
  },
  {
    method: 'get',
    path: '/v2/tasks/{import}',
    id: 'showTask',
    summary: 'One import as a task, for admins',
    tag,
    answers: { 200: { description: 'The task', json: 'Task' } },
  },
  {
    method: 'get',
    path: '/v2/images/{id}/tasks',
    id: 'listTasksOfImage',
    summary: 'The imports of an image as tasks',
    tag,
    answers: { 200: { description: 'All of them', json: 'TasksOfImage' } },
  },
];
